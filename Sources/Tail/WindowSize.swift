import CShim
import Glibc

/// The size of the terminal, as it is now.
struct WindowSize {
    let columns: Int
    let rows: Int

    /// Nil where standard output is no terminal and no COLUMNS says how wide it would be.
    static func now(isTerminal: Bool) -> WindowSize? {
        let stated = getenv("COLUMNS").flatMap { Int(String(cString: $0)) }.flatMap { (1...10_000).contains($0) ? $0 : nil }
        guard isTerminal else { return stated.map { WindowSize(columns: $0, rows: 24) } }
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return WindowSize(columns: stated ?? 80, rows: 24)
        }
        return WindowSize(columns: Int(size.ws_col), rows: max(2, Int(size.ws_row)))
    }
}
