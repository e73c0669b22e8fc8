//! The cells of the matrix.

mod go_waku;
mod go_waku_client;
mod go_waku_rest;
mod js_waku;
mod mesh;
mod peer_exchange;
mod store;

use crate::{
    failure::Failure,
    lab::{Lab, Sharding},
};

/// What a cell that holds has to say: how much was delivered, and what is worth knowing.
pub(crate) type Outcome = Result<String, Failure>;

/// One cell: who talks to whom, and how it is tried.
pub(crate) struct Cell {
    /// Its name on the command line, and of its folder.
    pub(crate) name: &'static str,
    /// Who sends, through whom, to whom.
    pub(crate) who: &'static str,
    pub(crate) sharding: Sharding,
    /// Whether it spends most of its time idle, and so runs beside the others.
    pub(crate) idles: bool,
    pub(crate) run: fn(&Lab<'_>) -> Outcome,
}

impl Cell {
    const fn new(name: &'static str, who: &'static str, run: fn(&Lab<'_>) -> Outcome) -> Self {
        Self {
            name,
            who,
            sharding: Sharding::Static,
            idles: false,
            run,
        }
    }

    const fn with_autosharding(mut self) -> Self {
        self.sharding = Sharding::Auto;
        self
    }

    const fn idling(mut self) -> Self {
        self.idles = true;
        self
    }
}

/// Every cell, the one that takes longest first.
pub(crate) const CELLS: &[Cell] = &[
    Cell::new(
        "mesh-idle",
        "our relay <-> go-waku relay, both ways, idle in between",
        mesh::with_a_pause,
    )
    .idling(),
    Cell::new(
        "go-waku",
        "our publisher (v2) -> go-waku -> our receiver",
        go_waku::delivers,
    ),
    Cell::new(
        "go-waku-rate-limit",
        "the same, with go-waku's limit of one push a second",
        go_waku::with_its_own_rate_limits,
    ),
    Cell::new(
        "go-waku-filter-timeout",
        "our receiver at go-waku, with go-waku's filter timeout",
        go_waku::with_its_own_filter_timeout,
    )
    .idling(),
    Cell::new(
        "js-v3",
        "js-waku (v3) -> our node -> our receiver and js-waku",
        js_waku::publishes_v3,
    )
    .with_autosharding(),
    Cell::new(
        "js-v2",
        "js-waku (v2) -> our node -> our receiver and js-waku",
        js_waku::publishes_v2,
    ),
    Cell::new(
        "js-receives",
        "our publisher (v3) -> our node -> js-waku",
        js_waku::receives,
    )
    .with_autosharding(),
    Cell::new(
        "three-way",
        "js-waku -> our node -> go-waku -> our receiver, and back",
        mesh::of_three,
    ),
    Cell::new(
        "go-waku-client",
        "go-waku light client (v2, filter) -> our node -> our receiver and go-waku",
        go_waku_client::publishes_and_receives,
    ),
    Cell::new(
        "go-waku-rest",
        "our publisher (REST, v2) -> go-waku -> our node -> go-waku -> our receiver (REST)",
        go_waku_rest::both_ends,
    ),
    Cell::new(
        "go-waku-both-paths",
        "our publishers (REST and libp2p) -> go-waku relay and our node -> our receiver (REST and libp2p)",
        go_waku_rest::both_paths,
    ),
    Cell::new("js-store", "js-waku store client -> our store", store::asked_by_js_waku),
    Cell::new(
        "go-waku-store-client",
        "go-waku store client -> our store",
        store::asked_by_go_waku,
    ),
    Cell::new(
        "go-waku-store",
        "our store client -> go-waku",
        store::of_go_waku_is_another_protocol,
    ),
    Cell::new(
        "go-waku-peer-exchange",
        "our light client -> go-waku's peer exchange -> another go-waku",
        peer_exchange::of_go_waku,
    ),
];
