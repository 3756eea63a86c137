import CShim
import Report
import Testing

@testable import Proxy

/// Orders to a worker: taken in their order, refused once it has ended, and never lost in between.
@Suite struct MailboxTests {
    /// Orders in words.
    private func words(_ orders: [Mailbox.Order]) -> [String] {
        orders.map { order in
            switch order {
            case .drain: "drain"
            case .retire(let succession): succession == nil ? "retire" : "retire to another"
            case .adopt: "adopt"
            case .grant(let server): "grant \(server.place)"
            case .giveIdle(let server): "give idle \(server.place)"
            case .giveUpStill(let upstream): "give up still \(upstream)"
            case .identify(let mark): "identify \(mark.ordinal)"
            case .pass(let round): "pass \(round)"
            }
        }
    }

    @Test func ordersComeInTheirOrder() {
        let mailbox = Mailbox(fd: -1)
        #expect(words(mailbox.take()) == [])
        for order in [.grant(1), .giveIdle(2), .retire(nil), .drain(0)] as [Mailbox.Order] { #expect(mailbox.post(order)) }
        #expect(words(mailbox.take()) == ["grant 1", "give idle 2", "retire", "drain"])
        #expect(words(mailbox.take()) == [])
        mailbox.post(.giveUpStill(3))
        mailbox.post(.identify(ExchangeMark(salt: 1, server: 2, route: 3, connection: 4, ordinal: 5)))
        mailbox.post(.pass(6))
        mailbox.post(.retire(Succession(mailboxes: [], listeners: [])))
        #expect(words(mailbox.take()) == ["give up still 3", "identify 5", "pass 6", "retire to another"])
    }

    /// A worker ends when nothing is left for it to do: an order that came in time is carried out first.
    @Test func nobodyEndsWithAnOrderInHand() {
        let mailbox = Mailbox(fd: -1)
        mailbox.post(.grant(1))
        #expect(!mailbox.close())
        #expect(words(mailbox.take()) == ["grant 1"])
        #expect(mailbox.close())
        #expect(!mailbox.post(.drain(0)) && words(mailbox.take()) == [], "whoever posts keeps what it wanted to give")
        #expect(mailbox.close())
    }

    /// The first order wakes the loop; those that come before it wakes up need not.
    @Test func theFirstOrderWakes() {
        let fd = so_eventfd()
        let mailbox = Mailbox(fd: fd)
        func wakeUps() -> UInt64 {
            var count: UInt64 = 0
            return so_read(fd, &count, 8) == 8 ? count : 0
        }
        mailbox.post(.drain(0))
        mailbox.post(.drain(0))
        #expect(wakeUps() == 1)
        mailbox.post(.drain(0))
        #expect(wakeUps() == 0)
        #expect(mailbox.take().count == 3)
        mailbox.post(.drain(0))
        #expect(mailbox.take().count == 1 && wakeUps() == 0, "taking them has read the wake-up")
    }
}
