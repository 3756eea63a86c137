import HTTP2
import Testing
