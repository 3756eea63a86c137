import HTTP1
import Wire

/// What the client of one request got.
struct ClientAnswer {
    enum Ending { case open, end, reset }

    let request: Int
    let method: Wire.Method
    var bytes: [UInt8] = []
    var ending = Ending.open

    init(request: Int, method: Wire.Method) {
        self.request = request
        self.method = method
    }
}
