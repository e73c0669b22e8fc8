//! Topics that are, and texts that only look like them.

use super::*;
use proptest::prelude::*;

fn pubsub(text: &str) -> Result<PubsubTopic, TopicError> {
    text.parse()
}

fn content(text: &str) -> Result<ContentTopic, TopicError> {
    text.parse()
}

#[test]
fn pubsub_topics_read_and_write() {
    let topic = pubsub("/waku/2/rs/16/1023").unwrap();
    assert_eq!((topic.cluster(), topic.shard()), (16, 1023));
    assert_eq!(pubsub("/waku/2/rs/0/0"), PubsubTopic::new(0, 0));
    assert_eq!(pubsub("/waku/2/rs/65535/0"), PubsubTopic::new(65535, 0));
}

#[test]
fn pubsub_topics_of_another_form_are_refused() {
    for text in [
        "",
        "/waku/2/rs/1",
        "/waku/2/rs/1/2/3",
        "/waku/2/rs/1/2/",
        "waku/2/rs/1/2",
        "/waku/2/default-waku/proto",
        " /waku/2/rs/1/2",
    ] {
        let expected = TopicError::PubsubForm { text: text.to_owned() };
        assert_eq!(pubsub(text), Err(expected), "{text}");
    }
}

#[test]
fn pubsub_numbers_are_plain_decimals() {
    for text in ["", "01", "00", "+1", "-1", "1 ", "0x1", "65536", "1e1", "٣"] {
        let cluster = TopicError::Number {
            part: "cluster",
            text: text.to_owned(),
        };
        assert_eq!(pubsub(&format!("/waku/2/rs/{text}/0")), Err(cluster), "{text}");
        let shard = TopicError::Number {
            part: "shard",
            text: text.to_owned(),
        };
        assert_eq!(pubsub(&format!("/waku/2/rs/0/{text}")), Err(shard), "{text}");
    }
    assert_eq!(pubsub("/waku/2/rs/0/1024"), Err(TopicError::Shard { shard: 1024 }));
}

#[test]
fn content_topics_have_four_parts_or_five_with_generation() {
    let four = content("/my-app/1/chat/proto").unwrap();
    assert_eq!(
        [four.application(), four.version(), four.name(), four.encoding()],
        ["my-app", "1", "chat", "proto"]
    );
    let five = content("/0/my-app/1/chat/proto").unwrap();
    assert_eq!(five.application(), "my-app");
    assert_eq!(five.encoding(), "proto");
    assert_eq!(five.as_str(), "/0/my-app/1/chat/proto");
    assert_ne!(four, five);
}

#[test]
fn generations_other_than_zero_are_refused() {
    for generation in ["1", "x", "-0", "99999999999999999999999"] {
        let expected = TopicError::Generation {
            generation: generation.to_owned(),
        };
        assert_eq!(content(&format!("/{generation}/a/1/b/c")), Err(expected));
    }
}

#[test]
fn content_topics_of_another_form_are_refused() {
    for text in ["", "/", "a/1/b/c", "/a/1/b", "/0/a/1/b/c/d", "//////////"] {
        let expected = TopicError::ContentForm { text: text.to_owned() };
        assert_eq!(content(text), Err(expected), "{text}");
    }
    for (text, part) in [
        ("//1/b/c", "application"),
        ("/a/1/b/", "encoding"),
        ("//a/1/b/c", "generation"),
        ("/0/a//b/c", "version"),
        ("/a/1//c", "name"),
    ] {
        let expected = TopicError::EmptyPart {
            part,
            text: text.to_owned(),
        };
        assert_eq!(content(text), Err(expected), "{text}");
    }
}

#[test]
fn errors_quote_at_most_eighty_characters() {
    let Err(TopicError::ContentForm { text }) = content(&"é".repeat(10_000)) else {
        panic!("a topic without slash must be refused");
    };
    assert_eq!(text.chars().count(), 80);
}

proptest! {
    #[test]
    fn display_parses_back(cluster: u16, shard in 0..=SHARD_MAX) {
        let topic = PubsubTopic::new(cluster, shard).unwrap();
        prop_assert_eq!(pubsub(&topic.to_string()), Ok(topic));
    }

    #[test]
    fn what_parses_is_what_is_displayed(text in "/waku/2/rs/[0-9+x/ ]{0,12}") {
        if let Ok(topic) = pubsub(&text) {
            prop_assert_eq!(topic.to_string(), text);
        }
    }

    #[test]
    fn any_text_is_a_content_topic_or_an_error(text in "(/0)?(/[a-z0-9é]{0,3}){0,6}") {
        if let Ok(topic) = content(&text) {
            prop_assert_eq!(topic.as_str(), &text);
            prop_assert!(!topic.application().is_empty() && !topic.encoding().is_empty());
        }
    }
}
