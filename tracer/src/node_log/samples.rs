//! Lines of every generation, as they were seen in public or follow from the log statements.

/// Digits of a message hash.
pub(super) const H: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A line with `@H` for the digits of the hash; the name of its event.
pub(super) struct Sample {
    pub(super) line: &'static str,
    pub(super) kind: &'static str,
    pub(super) has_hash: bool,
}

const fn with_hash(kind: &'static str, line: &'static str) -> Sample {
    Sample {
        line,
        kind,
        has_hash: true,
    }
}

const fn bare(kind: &'static str, line: &'static str) -> Sample {
    Sample {
        line,
        kind,
        has_hash: false,
    }
}

pub(super) const NWAKU: &[Sample] = &[
    // 2023: another digest, with multihash prefix; behind syslog.
    bare(
        "relay_received",
        r#"TRC 2023-04-06 14:43:26.217+00:00 waku.relay received                        topics="waku node" tid=9 file=waku_node.nim:395 peerId=16U*Cmu1Yd pubsubTopic=/waku/2/default-waku/proto hash=0x1220@H receivedTime=1680792206217812224"#,
    ),
    with_hash(
        "relay_received",
        r#"docker.log:2023-08-25T12:18:46.259151+00:00 docker/nim-waku[865]: TRC 2023-08-25 12:18:46.258+00:00 waku.relay received                        topics="waku node" tid=1 file=waku_node.nim:411 peerId=16U*AZ2yJy pubsubTopic=/waku/2/rs/16/32 hash=0x@H receivedTime=1692965926258642688 payloadSizeBytes=1052"#,
    ),
    // 0.28.
    with_hash(
        "relay_received",
        r#"DBG 2024-05-20 10:00:00.001+00:00 waku.relay received                        topics="waku node" tid=1 file=waku_node.nim:228 my_peer_id=16U*GiNg1a pubsubTopic=/waku/2/rs/2/0 msg_hash=0x@H receivedTime=1716199200001000192 payloadSizeBytes=1000"#,
    ),
    with_hash(
        "relay_published",
        r#"TRC 2024-05-20 10:00:00.001+00:00 waku.relay published                       topics="waku node" tid=1 file=waku_node.nim:349 peerId=16U*GiNg1a pubsubTopic=/waku/2/rs/2/0 hash=0x@H publishTime=1716199200001000192"#,
    ),
    with_hash(
        "lightpush_request",
        r#"DBG 2024-05-20 10:00:00.001+00:00 push request                               topics="waku lightpush" tid=1 file=protocol.nim:43 peer_id=16U*wJXtuH requestId=a1b2 pubsubTopic=/waku/2/rs/2/0 hash=0x@H"#,
    ),
    with_hash(
        "stored",
        r#"DBG 2024-05-20 10:00:00.001+00:00 message archived                           topics="waku archive" tid=1 file=archive.nim:110 msg_hash=0x@H pubsubTopic=/waku/2/rs/2/0 contentTopic=/a/1/b/proto timestamp=1716199200001000192"#,
    ),
    // 0.30.
    with_hash(
        "lightpush_request",
        r#"NTC 2024-07-01 10:00:00.001+00:00 lightpush request                          topics="waku lightpush" tid=1 file=protocol.nim:53 peer_id=16U*wJXtuH requestId=a1b2 pubsubTopic=/waku/2/rs/2/0 msg_hash=0x@H"#,
    ),
    with_hash(
        "filter_handling",
        r#"NTC 2024-07-01 10:00:00.001+00:00 handling message                           topics="waku filter" tid=1 file=protocol.nim:213 pubsubTopic=/waku/2/rs/2/0 msg_hash=0x@H"#,
    ),
    with_hash(
        "filter_push_start",
        r#"NTC 2024-07-01 10:00:00.001+00:00 pushing message to subscribed peers        topics="waku filter" tid=1 file=protocol.nim:170 pubsubTopic=/waku/2/rs/2/0 contentTopic=/a/1/b/proto target_peer_ids="@[\"16U*wJXtuH\", \"16U*GiNg1a\"]" msg_hash=0x@H"#,
    ),
    with_hash(
        "filter_push_done",
        r#"NTC 2024-07-01 10:00:00.001+00:00 pushed message succesfully to all subscribers topics="waku filter" tid=1 file=protocol.nim:240 pubsubTopic=/waku/2/rs/2/0 contentTopic=/a/1/b/proto target_peer_ids="@[\"16U*wJXtuH\"]" msg_hash=0x@H"#,
    ),
    with_hash(
        "filter_nobody",
        r#"TRC 2024-07-01 10:00:00.001+00:00 no subscribed peers found                  topics="waku filter" tid=1 file=protocol.nim:220 pubsubTopic=/waku/2/rs/2/0 contentTopic=/a/1/b/proto msg_hash=0x@H"#,
    ),
    // 0.32 to 0.36.
    with_hash(
        "relay_received",
        r#"NTC 2025-11-20 13:06:16.015+00:00 received relay message                     topics="waku relay" tid=7 file=protocol.nim:181 my_peer_id=16U*GiNg1a msg_hash=0x@H msg_id=b9cf...aecc from_peer_id=16U*wJXtuH topic=/waku/2/rs/2/0 receivedTime=1763643976015000064 payloadSizeBytes=1000"#,
    ),
    with_hash(
        "relay_received",
        r#"NTC 2025-11-20 13:06:16.015+00:00 received relay message                     topics="waku relay" tid=7 file=protocol.nim:181 my_peer_id=16U*GiNg1a msg_hash=0x@H msg_id=none from_peer_id=rest topic=/waku/2/rs/2/0 receivedTime=1763643976015000064 payloadSizeBytes=1000"#,
    ),
    with_hash(
        "relay_sent",
        r#"NTC 2025-11-20 13:06:16.015+00:00 sent relay message                         topics="waku relay" tid=7 file=protocol.nim:200 my_peer_id=16U*GiNg1a msg_hash=0x@H msg_id=b9cf...aecc to_peer_id=16U*wJXtuH topic=/waku/2/rs/2/0 sentTime=1763643976015000064 payloadSizeBytes=1000"#,
    ),
    with_hash(
        "relay_publish_start",
        r#"NTC 2025-11-20 13:06:16.015+00:00 start publish Waku message                 topics="waku relay" tid=7 file=protocol.nim:300 msg_hash=0x@H pubsubTopic=/waku/2/rs/2/0"#,
    ),
    with_hash(
        "lightpush_request",
        r#"NTC 2025-11-20 13:06:16.015+00:00 handling lightpush request                 topics="waku lightpush" tid=7 file=protocol.nim:70 my_peer_id=16U*GiNg1a peer_id=16U*wJXtuH requestId=d5c2 pubsubTopic="some(\"/waku/2/rs/2/0\")" msg_hash=0x@H receivedTime=1763643976015000064"#,
    ),
    with_hash(
        "lightpush_request",
        r#"NTC 2025-11-20 13:06:16.015+00:00 handling lightpush request                 topics="waku lightpush legacy" tid=7 file=protocol.nim:46 peer_id=16U*wJXtuH requestId=d5c2 pubsubTopic=/waku/2/rs/2/0 msg_hash=0x@H receivedTime=1763643976015000064"#,
    ),
    with_hash(
        "filter_duplicate",
        r#"ERR 2025-11-20 13:06:16.015+00:00 duplicate message found, not-pushing message to subscribed peers topics="waku filter" tid=7 file=protocol.nim:180 pubsubTopic=/waku/2/rs/2/0 msg_hash=0x@H"#,
    ),
    with_hash(
        "filter_timed_out",
        r#"ERR 2025-11-20 13:06:16.015+00:00 timed out pushing message to peers         topics="waku filter" tid=7 file=protocol.nim:260 pubsubTopic=/waku/2/rs/2/0 msg_hash=0x@H numPeers=1 target_peer_ids="@[\"16U*wJXtuH\"]""#,
    ),
    bare(
        "filter_push_failed",
        r#"ERR 2025-11-20 13:06:16.015+00:00 pushToPeer failed                          topics="waku filter" tid=7 file=protocol.nim:199 error="could not write""#,
    ),
    with_hash(
        "stored",
        r#"TRC 2025-02-20 13:06:16.015+00:00 message archived                           topics="waku archive" tid=7 file=archive.nim:130 hash_hash=0x@H pubsubTopic=/waku/2/rs/2/0 contentTopic=/a/1/b/proto timestamp=1"#,
    ),
    with_hash(
        "archive_handling",
        r#"TRC 2025-02-20 13:06:16.015+00:00 handling message                           topics="waku archive" tid=7 file=archive.nim:100 msg_hash=0x@H pubsubTopic=/waku/2/rs/2/0"#,
    ),
    with_hash(
        "sync_received",
        r#"TRC 2025-11-20 13:06:16.015+00:00 handling message in syncMessageIngress     topics="waku archive" tid=7 file=archive.nim:150 msg_hash=0x@H pubsubTopic=/waku/2/rs/2/0"#,
    ),
    with_hash(
        "sync_stored",
        r#"TRC 2025-11-20 13:06:16.015+00:00 message archived in syncMessageIngress      topics="waku archive" tid=7 file=archive.nim:170 msg_hash=0x@H pubsubTopic=/waku/2/rs/2/0"#,
    ),
    with_hash(
        "filter_client_received",
        r#"DBG 2025-11-20 13:06:16.015+00:00 Received message push                      topics="waku filter" tid=7 file=client.nim:260 peerId=16U*GiNg1a msg_hash=0x@H payload=5a5a...5a5a pubsubTopic=/waku/2/rs/2/0 content_topic=/a/1/b/proto"#,
    ),
    with_hash(
        "lightpush_client_publish",
        r#"INF 2025-11-20 13:06:16.015+00:00 publish                                    topics="waku lightpush client" tid=7 file=client.nim:50 myPeerId=16U*GiNg1a peerId=16U*wJXtuH msgHash=0x@H sentTime=1763643976015000064"#,
    ),
    with_hash(
        "lightpush_client_publish",
        r#"NTC 2025-11-20 13:06:16.015+00:00 publishing message with legacy lightpush   topics="waku node lightpush" tid=7 file=waku_node.nim:1000 pubsubTopic=/waku/2/rs/2/0 contentTopic=/a/1/b/proto target_peer_id=16U*wJXtuH msg_hash=0x@H"#,
    ),
    bare(
        "lightpush_failed",
        r#"ERR 2025-11-20 13:06:16.015+00:00 failed to push message                     topics="waku lightpush" tid=7 file=protocol.nim:120 error="no peers""#,
    ),
    bare(
        "lightpush_failed",
        r#"DBG 2025-11-20 13:06:16.015+00:00 lightpush request rejected due rate limit exceeded topics="waku lightpush" tid=7 file=protocol.nim:150 peerId=16U*wJXtuH limit="some((10, 1s))""#,
    ),
    with_hash(
        "lightpush_failed",
        r#"NTC 2025-11-20 13:06:16.015+00:00 Lightpush request has not been published to any peers topics="waku lightpush" tid=7 file=callbacks.nim:40 msg_hash=0x@H reason=NoPeersToPublish"#,
    ),
    // 0.37, 0.38.
    with_hash(
        "relay_rejected",
        r#"ERR 2026-01-20 13:06:16.015+00:00 invalid Waku message                       topics="waku relay" tid=7 file=protocol.nim:580 msg_hash=0x@H error="too old""#,
    ),
    with_hash(
        "relay_sent",
        r#"DBG 2026-01-20 15:06:16.015+02:00 sent relay message                         topics="waku relay" tid=7 file=protocol.nim:200 my_peer_id=16U*GiNg1a msg_hash=0x@H msg_id=b9cf...aecc to_peer_id=16U*wJXtuH topic=/waku/2/rs/2/0 sentTime=1763643976015000064 payloadSizeBytes=1000.0"#,
    ),
    with_hash(
        "lightpush_request",
        r#"NTC 2026-01-20 13:06:16.015+00:00 handling legacy lightpush request          topics="waku lightpush legacy" tid=7 file=protocol.nim:46 my_peer_id=16U*GiNg1a peer_id=16U*wJXtuH requestId=d5c2 pubsubTopic=/waku/2/rs/2/0 msg_hash=0x@H receivedTime=1763643976015000064"#,
    ),
    with_hash(
        "filter_push_start",
        r#"NTC 2026-01-20 13:06:16.015+00:00 pushing message to subscribed peers        topics="waku filter" tid=7 file=protocol.nim:170 pubsubTopic=/waku/2/rs/2/0 contentTopic=/a/1/b/proto payload=5a5a...5a5a target_peer_ids="[16U*wJXtuH, 16U*GiNg1a]" msg_hash=0x@H"#,
    ),
    with_hash(
        "relay_published",
        r#"DBG 2026-01-20 13:06:16.015+00:00 waku.relay published                       topics="waku node" tid=7 file=waku_node.nim:349 peerId=16U*GiNg1a pubsubTopic=/waku/2/rs/2/0 msg_hash=0x@H publishTime=1763643976015000064 numPeers=6"#,
    ),
    bare(
        "store_rejected",
        r#"WRN 2026-01-20 13:06:16.015+00:00 rejecting message with future timestamp    topics="waku archive" tid=7 file=archive.nim:60 msgTimestamp=1 now=0"#,
    ),
    // HEAD.
    with_hash(
        "relay_received",
        r#"TRC 2026-08-01 13:06:16.015+00:00 Received relay message                     topics="waku relay" tid=7 file=protocol.nim:181 my_peer_id=16U*GiNg1a msg_hash=0x@H msg_id=b9cf...aecc from_peer_id=16U*wJXtuH topic=/waku/2/rs/2/0 contentTopic=/a/1/b/proto receivedTime=1763643976015000064 payloadSizeBytes=1000.0"#,
    ),
    with_hash(
        "lightpush_request",
        r#"DBG 2026-08-01 13:06:16.015+00:00 Handling lightpush request                 topics="waku lightpush" tid=7 file=protocol.nim:70 my_peer_id=16U*GiNg1a peer_id=16U*wJXtuH requestId=d5c2 pubsubTopic="ok(\"/waku/2/rs/2/0\")" contentTopic=/a/1/b/proto msg_hash=0x@H receivedTime=1763643976015000064"#,
    ),
    with_hash(
        "filter_push_done",
        r#"TRC 2026-08-01 13:06:16.015+00:00 Pushed message successfully to all subscribers topics="waku filter" tid=7 file=protocol.nim:240 pubsubTopic=/waku/2/rs/2/0 contentTopic=/a/1/b/proto msg_hash=0x@H numPeers=2 target_peer_ids="[16U*wJXtuH, 16U*GiNg1a]""#,
    ),
    with_hash(
        "filter_duplicate",
        r#"TRC 2026-08-01 13:06:16.015+00:00 Duplicate message found, not pushing to subscribed peers topics="waku filter" tid=7 file=protocol.nim:180 pubsubTopic=/waku/2/rs/2/0 contentTopic=/a/1/b/proto payload=5a5a...5a5a target_peer_ids="[16U*wJXtuH]" msg_hash=0x@H"#,
    ),
    bare(
        "filter_push_failed",
        r#"DBG 2026-08-01 13:06:16.015+00:00 Push to peer failed                        topics="waku filter" tid=7 file=protocol.nim:177 error="could not write""#,
    ),
    with_hash(
        "relay_rejected",
        r#"DBG 2026-08-01 13:06:16.015+00:00 Rejecting relay message, waku validator rejected topics="waku relay" tid=7 file=protocol.nim:558 msg_hash=0x@H pubsubTopic=/waku/2/rs/2/0 contentTopic=/a/1/b/proto validatorRes=Reject error="too old""#,
    ),
    with_hash(
        "store_rejected",
        r#"TRC 2026-08-01 13:06:16.015+00:00 invalid message                            topics="waku archive" tid=7 file=archive.nim:108 msg_hash=0x@H pubsubTopic=/waku/2/rs/2/0 contentTopic=/a/1/b/proto timestamp=1 error="message_invalid_old""#,
    ),
    with_hash(
        "store_rejected",
        r#"TRC 2026-08-01 13:06:16.015+00:00 failed to insert message                   topics="waku archive" tid=7 file=archive.nim:120 msg_hash=0x@H pubsubTopic=/waku/2/rs/2/0 contentTopic=/a/1/b/proto timestamp=1 error="no connection""#,
    ),
    with_hash(
        "messaging",
        r#"INF 2026-08-01 13:06:16.015+00:00 Message successfully propagated            topics="send service" tid=7 file=send_service.nim:1 requestId=r msgHash=0x@H"#,
    ),
    with_hash(
        "messaging",
        r#"INF 2026-08-01 13:06:16.015+00:00 Message received                           topics="recv service" tid=7 file=recv_service.nim:1 msg_hash=0x@H contentTopic=/a/1/b/proto pubsubTopic=/waku/2/rs/2/0"#,
    ),
    // The original tester.
    with_hash(
        "tester_published",
        r#"NTC 2025-11-20 13:06:16.015+00:00 published message using lightpush          topics="lightpush publisher" tid=1 file=lightpush_publisher.nim:1 index=1 count=100 size=1.2KiB pubsubTopic=/waku/2/rs/2/0 hash=0x@H"#,
    ),
    with_hash(
        "tester_received",
        r#"NTC 2025-11-20 13:06:16.015+00:00 message received                           topics="filter subscriber" tid=1 file=filter_subscriber.nim:1 index=1 count=100 startedAt=1 sinceStart=1 sincePrev=1 size=1.2KiB pubsubTopic=/waku/2/rs/2/0 hash=0x@H"#,
    ),
    // JSON.
    with_hash(
        "relay_sent",
        r#"{"lvl":"DBG","ts":"2026-07-16 13:06:16.015+00:00","msg":"sent relay message","topics":"waku relay","tid":7,"file":"protocol.nim:200","my_peer_id":"16U*GiNg1a","msg_hash":"0x@H","msg_id":"b9cf...aecc","to_peer_id":"16U*wJXtuH","topic":"/waku/2/rs/2/0","sentTime":1763643976015000064,"payloadSizeBytes":1000.0}"#,
    ),
    with_hash(
        "filter_push_done",
        r#"{"lvl":"NTC","ts":"2025-11-20 13:06:16.015+00:00","msg":"pushed message succesfully to all subscribers","topics":"waku filter","tid":7,"file":"protocol.nim:240","msg_hash":"0x@H","numPeers":1,"target_peer_ids":"@[\"16U*wJXtuH\"]"}"#,
    ),
    // A build whose JSON has its time without quotes.
    with_hash(
        "relay_received",
        r#"{"lvl":"DBG","ts":2026-07-16 15:10:00.145+00:00,"msg":"received relay message","topics":"waku relay","tid":7,"file":"protocol.nim:220","my_peer_id":"16U*GiNg1a","msg_hash":"0x@H","from_peer_id":"16U*wJXtuH","topic":"/waku/2/rs/2/0","receivedTime":1763643976015000064,"payloadSizeBytes":1000.0}"#,
    ),
    // VictoriaLogs that took the JSON apart.
    with_hash(
        "relay_received",
        r#"{"_time":"2025-11-20T13:06:16.015Z","_stream":"{}","_msg":"received relay message","topics":"waku relay","my_peer_id":"16U*GiNg1a","msg_hash":"0x@H","from_peer_id":"16U*wJXtuH","receivedTime":"1763643976015000064"}"#,
    ),
    bare(
        "filter_request",
        r#"INF 2025-11-20 13:06:16.015+00:00 received filter subscribe request          topics="waku filter" tid=7 file=protocol.nim:131 peerId=16U*wJXtuH request="(requestId: \"a\", filterSubscribeType: SUBSCRIBE)""#,
    ),
    bare(
        "address",
        r#"INF 2025-11-20 13:06:16.015+00:00 Announcing addresses                       topics="waku node" tid=1 file=waku_node.nim:1 full=[/ip4/127.0.0.1/tcp/60000/p2p/16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPGiNg1aX]"#,
    ),
    bare(
        "address",
        r#"INF 2025-11-20 13:06:16.015+00:00 Listening on                               topics="waku node" tid=1 file=waku_node.nim:1 full=[/ip4/127.0.0.1/tcp/60000/p2p/16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPGiNg1aX]"#,
    ),
];

pub(super) const GO_WAKU: &[Sample] = &[
    with_hash(
        "relay_received",
        "2023-05-03T10:22:01.526-0400\tDEBUG\tgowaku.node2.relay\trelay/waku_relay.go:340\twaku.relay received\t{\"node\":\"16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPGiNg1aX\",\"topic\":\"/waku/2/default-waku/proto\",\"hash\":\"0x@H\",\"receivedTime\":1683123721512878171,\"payloadSizeBytes\":540}",
    ),
    with_hash(
        "relay_received",
        "2024-05-03T10:22:01.526Z\tDEBUG\tgowaku.relay.messages\trelay/metrics.go:66\twaku.relay received\t{\"pubsubTopic\":\"/waku/2/rs/2/0\",\"hash\":\"0x@H\",\"receivedTime\":1683123721512878171,\"payloadSizeBytes\":540}",
    ),
    with_hash(
        "relay_published",
        "2024-05-03T10:22:01.526Z\tDEBUG\tgowaku.relay.messages\trelay/waku_relay.go:322\twaku.relay published\t{\"pubsubTopic\":\"/waku/2/rs/2/0\",\"hash\":\"0x@H\",\"publishTime\":1683123721512878171,\"payloadSizeBytes\":540}",
    ),
    bare(
        "lightpush_request",
        "2024-05-03T10:22:01.526Z\tINFO\tgowaku.lightpush\tlightpush/waku_lightpush.go:143\tpush request\t{\"peer\":\"16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPGiNg1aX\",\"requestID\":\"r1\"}",
    ),
    bare(
        "lightpush_answered",
        "2024-05-03T10:22:01.526Z\tINFO\tgowaku.lightpush\trequest success\t{\"requestID\":\"r1\"}",
    ),
    with_hash(
        "lightpush_client_publish",
        "2024-05-03T10:22:01.526Z\tDEBUG\tgowaku.lightpush.messages\twaku.lightpush published\t{\"hash\":\"0x@H\",\"num-peers\":1}",
    ),
    with_hash(
        "filter_handling",
        "2024-05-03T10:22:01.526Z\tDEBUG\tgowaku.filter.messages\tfilter/server.go:242\tpush message to filter subscribers\t{\"hash\":\"0x@H\",\"pubsubTopic\":\"/waku/2/rs/2/0\"}",
    ),
    with_hash(
        "filter_push_start",
        "2024-05-03T10:22:01.526Z\tDEBUG\tfilter.messages\tfilter/server.go:249\tpushing message to light node\t{\"hash\":\"0x@H\",\"pubsubTopic\":\"/waku/2/rs/2/0\",\"contentTopic\":\"/a/1/b/proto\",\"peer\":\"16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPGiNg1aX\"}",
    ),
    with_hash(
        "filter_push_failed",
        "2024-05-03T10:22:01.526Z\tERROR\tfilter.messages\tfilter/server.go:294\topening peer stream\t{\"hash\":\"0x@H\",\"pubsubTopic\":\"/waku/2/rs/2/0\",\"contentTopic\":\"/a/1/b/proto\",\"peer\":\"16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPGiNg1aX\",\"error\":\"failed to dial\"}",
    ),
    bare(
        "filter_request",
        "2024-05-03T10:22:01.526Z\tINFO\tgowaku.filter\tfilter/server.go:143\treceived request\t{\"peer\":\"16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPGiNg1aX\",\"requestID\":\"r1\",\"serverID\":\"16Uiu2HAmC5PqAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPGiNg1aX\",\"requestType\":\"SUBSCRIBE\"}",
    ),
    with_hash(
        "relay_rejected",
        "2024-05-03T10:22:01.526Z\tDEBUG\tgowaku.rln-relay\trln/waku_rln_relay.go:259\tmessage could not be verified\t{\"hash\":\"0x@H\",\"pubsubTopic\":\"/waku/2/rs/2/0\",\"contentTopic\":\"/a/1/b/proto\"}",
    ),
    with_hash(
        "filter_pushed",
        "2024-05-03T10:22:01.526Z\tDEBUG\tgowaku.filter.messages\tfilter/server.go:315\tmessage pushed succesfully\t{\"hash\":\"0x@H\",\"peer\":\"16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPGiNg1aX\"}",
    ),
    with_hash(
        "filter_client_received",
        "2024-05-03T10:22:01.526Z\tINFO\tgowaku.filter\tfilter/client.go:179\treceived message push\t{\"peerID\":\"16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPGiNg1aX\",\"hash\":\"0x@H\"}",
    ),
    with_hash(
        "relay_received",
        r#"{"level":"debug","ts":"2024-05-03T10:22:01.526Z","logger":"gowaku.relay.messages","caller":"relay/metrics.go:66","msg":"waku.relay received","pubsubTopic":"/waku/2/rs/2/0","hash":"0x@H","receivedTime":1683123721512878171,"payloadSizeBytes":540}"#,
    ),
];

/// The line of a sample.
pub(super) fn line(sample: &Sample) -> String {
    sample.line.replace("@H", H)
}
