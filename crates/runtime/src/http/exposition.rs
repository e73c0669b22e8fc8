//! The metrics in the form the asker understands: OpenMetrics for who asks for it, otherwise Prometheus' older text form,
//! which `promtool check metrics` and most scripts read.
//!
//! The two differ in the name a counter is described under: OpenMetrics calls the family `x` and its sample `x_total`, the
//! older form knows no families and describes `x_total`.

/// The content type of the OpenMetrics text form.
pub(super) const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The content type of the older text form.
pub(super) const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether an `Accept` header asks for OpenMetrics, as Prometheus does.
pub(super) fn wants_openmetrics(accept: Option<&str>) -> bool {
    accept.is_some_and(|accept| accept.contains("application/openmetrics-text"))
}

/// The older form of an OpenMetrics text.
pub(super) fn classic(openmetrics: &str) -> String {
    let mut text = String::with_capacity(openmetrics.len() + openmetrics.len() / 16);
    let mut help: Option<&str> = None;
    for line in openmetrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            // Under which name it stands is told by the type, in one of the next lines.
            help = Some(rest);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            describe(&mut text, help.take(), rest);
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

fn describe(text: &mut String, help: Option<&str>, name_and_type: &str) {
    let (name, kind) = name_and_type.split_once(' ').unwrap_or((name_and_type, "unknown"));
    let (suffix, kind) = match kind {
        "counter" => ("_total", "counter"),
        "info" => ("_info", "gauge"),
        "gauge" | "histogram" | "summary" => ("", kind),
        _ => ("", "untyped"),
    };
    if let Some((_, words)) = help.and_then(|help| help.split_once(' ')) {
        text.push_str(&format!("# HELP {name}{suffix} {words}\n"));
    }
    text.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
}

#[cfg(test)]
mod tests {
    use prometheus_client::{
        encoding::text::encode,
        metrics::{counter::Counter, gauge::Gauge, histogram::Histogram},
        registry::{Registry, Unit},
    };

    use super::*;

    #[test]
    fn counters_are_described_by_the_name_of_their_sample() {
        let mut registry = Registry::default();
        let counter: Counter = Counter::default();
        registry.register("things", "Things counted", counter);
        registry.register_with_unit("payload", "Bytes seen", Unit::Bytes, Counter::<u64>::default());
        registry.register("level", "A level", Gauge::<i64>::default());
        registry.register("time", "A time", Histogram::new([1.0]));
        let mut openmetrics = String::new();
        encode(&mut openmetrics, &registry).expect("encodes");
        let expected = "\
# HELP things_total Things counted.
# TYPE things_total counter
things_total 0
# HELP payload_bytes_total Bytes seen.
# TYPE payload_bytes_total counter
payload_bytes_total 0
# HELP level A level.
# TYPE level gauge
level 0
# HELP time A time.
# TYPE time histogram
time_sum 0.0
time_count 0
time_bucket{le=\"1.0\"} 0
time_bucket{le=\"+Inf\"} 0
";
        assert_eq!(classic(&openmetrics), expected);
    }

    #[test]
    fn openmetrics_goes_to_who_asks_for_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert!(wants_openmetrics(Some(prometheus)));
        assert!(!wants_openmetrics(Some("*/*")) && !wants_openmetrics(None));
    }
}
