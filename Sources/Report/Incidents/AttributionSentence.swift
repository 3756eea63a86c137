import Detector

/// Why an exchange may be the guilty one, in words.
enum AttributionSentence {
    static func reason(_ suspect: Attribution.Suspect, _ attribution: Attribution, victim: IncidentParty?) -> String {
        var parts: [String] = []
        if suspect.isEchoed { parts.append("the answer carries its request's id") }
        if let delay = suspect.delay {
            let what = attribution.shift == nil ? "it came" : "what \(victim?.name ?? "the next request") was given came"
            let when = "\(milliseconds(delay)) ms after the end of its answer"
            parts.append("\(what) \(when)" + (suspect.isRound ? ", as a timer does" : ""))
        } else if suspect.isWaiting {
            parts.append("it came while its own answer was still due")
        } else {
            parts.append("it stands in its answer")
        }
        if let shift = attribution.shift, let victim {
            parts.append(fit(shift, victim))
        }
        if suspect.wasSuspected { parts.append("requests like it have been suspected before") }
        return parts.joined(separator: "; ") + " (\(percent(suspect.share)))"
    }

    private static func fit(_ shift: Attribution.Shift, _ victim: IncidentParty) -> String {
        guard let usual = shift.usualStatus, usual != shift.status else {
            return "\(victim.name) is usually answered with what came one too late"
        }
        return "\(victim.name) is usually answered with \(usual), was given \(shift.status), and its own answer came after it"
    }

    static func milliseconds(_ nanoseconds: UInt64) -> String {
        let tenths = (nanoseconds + 50_000) / 100_000
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func percent(_ share: Double) -> String {
        share >= 0.995 ? "over 99 %" : share < 0.005 ? "under 1 %" : "\(Int((share * 100).rounded())) %"
    }
}
