/// How a run has ended: what the command said, and what was found.
public struct Verdict: Sendable {
    public let findings: Findings
    /// Of the command; 128 and the signal's number when one ended it.
    public let commandStatus: Int32

    public init(findings: Findings, commandStatus: Int32) {
        self.findings = findings
        self.commandStatus = commandStatus
    }

    /// The command's own status comes first: a failed test is a failed test.
    public var exitCode: Int32 { commandStatus != 0 ? commandStatus : findings.closesGate ? 3 : 0 }

    public var word: String { commandStatus != 0 ? "command_failed" : findings.closesGate ? "failed" : "passed" }
}
