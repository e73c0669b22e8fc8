//! The ways by which messages came to one client: the service nodes it was subscribed at, each with what it brought.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    deliveries::Deliveries,
    hashes::Claim,
    model::Delivery,
    renumbering::Renumbering,
    symbols::{Symbol, Symbols},
};

/// What arrived at one client, by the service node that brought it.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    by_service_node: BTreeMap<Symbol, Deliveries>,
}

/// What one service node brought.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way<'a> {
    pub(crate) service_node: Symbol,
    pub(crate) deliveries: &'a Deliveries,
}

impl Ways {
    /// Adds a delivery with the reader's own numbers. `claim` is the message its hash was first said to be.
    #[inline]
    pub(crate) fn push(&mut self, service_node: Symbol, delivery: &Delivery, claim: Option<Claim>) {
        let way = self.by_service_node.entry(service_node).or_default();
        way.push(delivery, claim);
    }

    /// Puts `more`, with the same numbers, behind these.
    pub(crate) fn append(&mut self, more: Self) {
        for (service_node, deliveries) in more.by_service_node {
            self.by_service_node.entry(service_node).or_default().append(deliveries);
        }
    }

    /// Gives back memory that was set aside for more; to be called at the end of a chunk.
    pub(crate) fn shrink(&mut self) {
        self.by_service_node.values_mut().for_each(Deliveries::shrink);
    }

    /// Replaces a reader's own numbers by those of all.
    pub(crate) fn renumber(&mut self, renumbering: &Arc<Renumbering>) {
        let ways = std::mem::take(&mut self.by_service_node).into_iter();
        self.by_service_node = ways
            .map(|(service_node, mut deliveries)| {
                deliveries.renumber(renumbering);
                (renumbering.symbol(service_node), deliveries)
            })
            .collect();
    }

    /// The ways in the order of the names of their service nodes, whatever the order of reading.
    pub(crate) fn by_name(&self, symbols: &Symbols) -> Vec<Way<'_>> {
        let way = |(service_node, deliveries): (&Symbol, _)| Way {
            service_node: *service_node,
            deliveries,
        };
        let mut ways: Vec<Way<'_>> = self.by_service_node.iter().map(way).collect();
        ways.sort_by_key(|way| symbols.name(way.service_node));
        ways
    }
}
