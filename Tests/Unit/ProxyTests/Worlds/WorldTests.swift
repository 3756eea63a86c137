import Testing
import Worlds

/// The whole proxy between simulated clients and upstreams. `scripts/simulate` runs as many worlds as one likes.
@Suite struct WorldTests {
    /// Worlds that fail as soon as the worker forgets what they taught. A change to how worlds are made changes them: then
    /// seeds are looked for again, with the lesson taken out of the worker.
    static let lessons: [(seed: UInt64, lesson: String)] = [
        (0xb86c_9a98_359e_0b62, "a trailer section may arrive apart from the last chunk"),
        (0x88b8_94e1_401e_d25a, "a client may end its side behind pipelined requests"),
        (0x5e14_226e_d2a8_c440, "an end of the proxy's own choice must not reset the answer before it"),
        (0xa40c_c239_14e4_1224, "an end that was read late is no hang-up"),
        (0x1674_f8c4_ccad_0f4e, "a lingering client may end its side before it has everything"),
        (0xfec5_45a7_27c6_b765, "an upstream may stall while its client catches up"),
        (0x30e3_2523_7a66_df91, "the end of an empty chunked body is a part of the request"),
        (0xf893_a2ee_fb32_555e, "a client that has room again sets its upstream going"),
        (0xe336_e662_1d2a_951e, "connections whose idle time is over at about the same moment are no process that has died"),
        (0x0b54_ee8c_2350_d88c, "who takes little of a pipe, as often as it is given, must not have the whole turn"),
    ]

    @Test(arguments: lessons) func seedsThatTaughtSomething(seed: UInt64, lesson: String) {
        let failures = SimulatedWorld(seed: seed).run()
        #expect(failures.isEmpty, "scripts/simulate 0x\(String(seed, radix: 16)): \(lesson)")
    }

    /// The same of other sorts.
    static let otherLessons: [(sort: WorldSort, seed: UInt64, lesson: String)] = [
        (.frames, 0x90cc_b6a0_6cd2_330e, "streams wait for a shared connection that is there at once, as Unix sockets are"),
        (.frames, 0x7329_7d8d_f3bf_2660, "a shared connection may be made for a client that has left"),
        (.frames, 0xe8cd_7c3c_76b3_de16, "an END_STREAM without payload needs no window, were it less than nothing"),
        (
            .frames, 0xa348_6ea5_7f28_c131,
            "what goes on past an answer's end is one incident, and its client need not wait for it"
        ),
        (.changes, 0x30c3_60d0_8d19_1ac9, "whoever reads slowly says so in frames, which must not meet a reset"),
        (.kernel, 0xef05_1934_cdb9_ed5b, "a descriptor that is lacking for HTTP/2 is not the server's fault"),
        (
            .outages, 0x4cf3_0970_2eeb_33ec,
            "a request that has failed tries nobody who may still be gone while there is another"
        ),
        (
            .outages, 0x6d71_9082_1869_26f8,
            "a request that two servers have failed is sent to the third, though that is ejected"
        ),
        (
            .outages, 0x4f7b_81ec_1eb8_17cc,
            "a server that refuses is not asked before one that is ejected and takes connections"
        ),
        (
            .outages, 0x88f1_71c2_0c4d_94fa,
            "a request whose shared connection has ended goes to none that may have ended with it"
        ),
        (
            .tls, 0x910a_2dec_8902_5cc0,
            "a server's ticket may come in several records, and there is something to say in its middle"
        ),
        (.tls, 0x5a2_e189_41c3_936a, "a close_notify that nobody has read must not become a reset over the answer"),
        (.tls, 0x92c8_1918_610f_ab15, "a connection that a stray has ended is still listened to after its last answer"),
        (.tls, 0xc53e_eeb5_3632_ef85, "the end of a pooled connection may stand behind a record that says nothing"),
        (.tls, 0x814d_eef9_922c_6237, "a request whose first record has come in part cannot be answered"),
        (.tls, 0x4fca_1ffa_71c9_cfe6, "a timeout's notice may come drop by drop"),
        (.tls, 0x4870_67f0_1740_5593, "of a write that OpenSSL makes several records of, some may have left before a reset"),
        (.tls, 0x54dd_f22d_0e68_7110, "a server that gives new keys or tickets without end has not the worker for itself"),
        (.kernel, 0x9b57_19b7_b3eb_c43f, "a connection whose server goes away is listened to after its last answer"),
        (.frames, 0x8a08_7b4c_2663_9b8b, "whose answer was cut for another's second one is that one's victim"),
        (.tunnels, 0x4169_2245_b1d3_3f47, "a tunnel that waits for its server's SETTINGS has the number in which it asks"),
        (.marks, 0x610a_1fb7_6fe0_c40d, "a stray that is no more than suspected, for want of its victim's mark, is recorded"),
        (.tunnels, 0x6543_dbe5_9db9_aa42, "a reset of an HTTP/1 server is no good end of its tunnel"),
        (
            .tunnels, 0x4e0c_75e7_57b8_c91e,
            "a server that allows fewer streams than tunnels wait for its word is no failure of theirs"
        ),
        (.tunnels, 0x5862_0935_247c_b569, "a tunnel that was never asked for has no number among its connection's exchanges"),
        (
            .tunnels, 0x1031_4c76_3e5b_8f7f,
            "a spent connection still brings the rest of a tunnel to a server that takes it slowly"
        ),
        (.tunnels, 0x8f4f_b4f7_b4fc_2658, "to new keys that come behind our own end there is no answer, and nothing is broken"),
        (.tunnels, 0xdbef_c211_09f9_28ca, "so does one of a worker that leaves"),
        (.tunnels, 0x1a83_19ab_7bae_29d9, "a tunnel whose server takes little at a time is in use"),
        (.tunnels, 0x0e42_6757_0f1e_7c2e, "the announcement of an idle client's end may find no room at once"),
        (.frames, 0xd861_cdf2_f2ad_da05, "an upload behind 100 Continue is taken slowly by its server"),
        (.frames, 0xd7ce_e6fc_2077_7c43, "so it is when nothing of it waits any more"),
        (.clients, 0xb5bc_a807_ec7f_faba, "the end of a request does not make an answer due that its client holds back"),
        (.requests, 0xfc4d_e41f_1bcc_1b20, "chunk extensions that are too long break no rule"),
        (.requests, 0xb66e_7409_969f_8c02, "nor do trailers that are too many"),
        (.records, 0xc8e9_8cd6_9731_6060, "a client that changes its keys without end has not the worker for itself"),
        (
            .records, 0xfc5a_343f_8fd7_765c,
            "what is wrong behind a handshake, and comes with its end, is no handshake that failed"
        ),
        (.names, 0x06ca_0a95_b7e8_25c6, "a watch that ends takes its look-ups with it"),
        (.names, 0x687f_100a_c2a0_daf6, "a shared connection takes no more requests when its server's name leads elsewhere"),
        (.names, 0xea4f_ff29_25fe_d5be, "over HTTP/2 too, each address is tried before a request fails"),
        (.names, 0x6f85_6339_5445_9994, "a look-up that nobody answers keeps no other from the system's new nameservers"),
        (.names, 0xadc4_b71b_4bb6_9e3e, "who cannot be found where a name led before has not failed"),
        (.names, 0x842d_41c4_b50a_8984, "each server's checks have a turn of their own at its addresses"),
        (.tls, 0x7ccb_e634_f2fc_7e00, "who meets a server that floods does not also meet one whose handshake is spoiled"),
        (
            .changes, 0xaacc_958e_d541_1050,
            "a client that reads its last answer slowly, from its own kernel, is waited for while it says so"
        ),
        (.marks, 0xcb77_c5af_b420_3e29, "who was sent again is a candidate on two connections, and guilty on one"),
        (.tls, 0xc25e_5fce_e31b_c0f6, "a connection that its server was ending is no try that failed to connect"),
        (.names, 0x0e13_5204_6a77_6772, "the longest answer to a check has its time on a long link"),
        (.names, 0x0f0f_89b9_39d5_9b9e, "a check goes on at the next address where nobody is"),
        (.tls, 0x4487_44ec_eaad_a60d, "an interim answer's header block that a reset cuts is recorded as any other"),
        (.clients, 0xa87a_1c30_d363_64d8, "who resets behind its last word of a handshake may have left in the middle of it"),
        (
            .names, 0x9e36_d2e9_20bc_bf78,
            "a request may fail from when the last server has died for good, though another comes before it ends"
        ),
        (
            .tunnels, 0xdd67_6e59_40d6_988c,
            "who closes before its PING is answered is reset, with the last of its tunnel on its way"
        ),
        (.records, 0xf8f0_a147_54b1_266a, "whose TLS fails behind a request that waits in a queue is let go at once"),
        (.outages, 0x8342_8e75_ae70_68e2, "the break of a tunnel overtakes the answers before it, whatever is said in it"),
        (.tls, 0xb71b_0838_e0f0_e08c, "that we have cut a connection takes none of the tries which a server's failures have"),
        (.frames, 0xa7d9_6fbf_e87c_1261, "nor that another's frames have broken it"),
        (
            .marks, 0x3a2d_1ada_69d1_5f29,
            "a stray without a mark is nothing special where requests of its victim's sort have none"
        ),
        (.outages, 0x753b_3d24_773d_48ae, "who resets a stream without an answer is not asked for it again"),
        (.outages, 0xf3df_fe8f_789c_280e, "nor is who ends a connection that has answered nothing"),
        (
            .links, 0xdd2a_24d5_b659_3d5a,
            "whose turn the connection's window holds up waits for any bytes that are on their way"
        ),
        (.links, 0x5ca9_24d8_bfc5_a93c, "a stream of which nothing comes may stand behind others"),
        (.changes, 0x23c4_764b_020b_2d33, "a drain's deadline may come before a stall is seen"),
        (.tls, 0x405c_0867_6ea0_c684, "calls for new handshakes behind our own end cost nothing, and are no flood"),
    ]

    @Test(arguments: otherLessons) func seedsOfOtherSorts(sort: WorldSort, seed: UInt64, lesson: String) {
        let failures = SimulatedWorld(seed: seed, sort: sort).run()
        #expect(failures.isEmpty, "scripts/simulate \(sort.rawValue) 0x\(String(seed, radix: 16)): \(lesson)")
    }

    @Test(arguments: WorldSort.allCases) func innocentWorlds(_ sort: WorldSort) {
        run(WorldSeeds(base: sort == .tls ? 4 : 1, count: sort.testedCount, isInnocent: true), of: sort)
    }

    @Test(arguments: WorldSort.allCases) func faultyWorlds(_ sort: WorldSort) {
        run(WorldSeeds(base: sort == .tls ? 4 : 1, count: sort.testedCount, isInnocent: false), of: sort)
    }

    /// Edges are logged once: losing any one that is needed, and that no later one makes up for, must show.
    @Test func everyLostWakeUpIsNoticed() {
        var lost = 0
        var tried = 0
        for seed in WorldSeeds(base: 5, count: 40, isInnocent: true) {
            let whole = SimulatedWorld(seed: seed)
            guard whole.isSteady, tried < 4 else { continue }
            #expect(whole.run().isEmpty)
            // What arrives behind an announced end is read by nobody.
            guard whole.everyoneWasServed, whole.wakeUps < 200 else { continue }
            tried += 1
            for wakeUp in 1...whole.wakeUps {
                let world = SimulatedWorld(seed: seed)
                world.lostWakeUp = wakeUp
                let failures = world.run()
                guard world.isLostForGood else { continue }
                lost += 1
                #expect(
                    !failures.isEmpty,
                    "scripts/simulate 0x\(String(seed, radix: 16)) lost \(wakeUp): \(world.lostWakeUpFacts)")
            }
        }
        #expect(lost > 10)
    }

    /// The same seed gives the same run, to the turn.
    @Test(arguments: WorldSort.allCases) func seedsReplay(_ sort: WorldSort) {
        for seed in WorldSeeds(base: sort == .tls ? 4 : 3, count: [.tls, .health, .clients, .records].contains(sort) ? 2 : 6) {
            let worlds = [SimulatedWorld(seed: seed, sort: sort), SimulatedWorld(seed: seed, sort: sort)]
            var logged: [[String]] = [[], []]
            for i in 0...1 {
                worlds[i].chronicle = { logged[i].append($0) }
                _ = worlds[i].run()
            }
            #expect(logged[0] == logged[1])
            #expect(worlds[0].turns == worlds[1].turns)
        }
    }

    private func run(_ seeds: WorldSeeds, of sort: WorldSort) {
        for seed in seeds {
            let failures = SimulatedWorld(seed: seed, sort: sort).run()
            #expect(
                failures.isEmpty,
                "scripts/simulate \(sort.rawValue) 0x\(String(seed, radix: 16)): \(failures.joined(separator: "; "))")
        }
    }
}

extension WorldSort {
    /// Handshakes make a world of TLS ten times as dear as others, some hundred checks one of health, floods one of clients.
    fileprivate var testedCount: Int {
        switch self {
        case .tls: 4
        case .health: 3
        case .clients: 5
        case .records: 12
        case .requests: 15
        case .tunnels: 25
        default: 60
        }
    }
}
