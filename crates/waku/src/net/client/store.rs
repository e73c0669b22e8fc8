//! Asking stores: is it there, and what is there.

use std::collections::HashSet;

use libp2p::PeerId;

use super::{
    LightClient,
    error::RequestError,
    requests::{Exchange, check_id, mismatch, new_request_id},
};
use crate::{
    MessageHash,
    status::code,
    wire::{
        StoreFilter, StorePage, StoreQueryRequest, StoreQueryResponse, WakuMessageKeyValue, frame_cap, protocol_id,
    },
};

/// Hashes in one presence query. nwaku on Postgres mishandles exactly 100.
const PRESENCE_HASHES_MAX: usize = 99;

impl LightClient {
    /// Sends one store query and returns the answer, whatever its status.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn store_query(
        &self,
        peer: PeerId,
        request: &StoreQueryRequest,
    ) -> Result<StoreQueryResponse, RequestError> {
        let exchange = Exchange {
            protocol: protocol_id::STORE_QUERY,
            request_cap_bytes: frame_cap::STORE_REQUEST_BYTES,
            response_cap_bytes: frame_cap::STORE_RESPONSE_BYTES,
            deadline: self.limits.store_timeout,
        };
        let answer: StoreQueryResponse = self.ask(peer, exchange, request).await?;
        check_id(
            answer.answers(request.request_id()),
            answer.request_id(),
            request.request_id(),
        )?;
        Ok(answer)
    }

    /// Which of `hashes` a store has. Asks in groups of 99 with an explicit limit, since nodes answer 20 by default.
    ///
    /// # Errors
    /// [`RequestError::Mismatch`] with the status when the store refuses; else see [`RequestError`].
    pub async fn store_presence(
        &self,
        peer: PeerId,
        hashes: &[MessageHash],
    ) -> Result<HashSet<MessageHash>, RequestError> {
        let mut present = HashSet::new();
        for group in hashes.chunks(PRESENCE_HASHES_MAX) {
            let request =
                StoreQueryRequest::presence(new_request_id(), group).map_err(|error| mismatch(&error.to_string()))?;
            let answer = self.store_query(peer, &request).await?;
            let status = answer.status();
            if status.code != code::OK {
                return Err(mismatch(&format!("store answered {status}")));
            }
            // Match by hash: order, cursor and strangers in the answer mean nothing here.
            present.extend(
                answer
                    .messages
                    .iter()
                    .filter_map(|entry| entry.hash())
                    .filter(|hash| group.contains(hash)),
            );
        }
        Ok(present)
    }

    /// Everything a store has that fits `filter`, from old to new, page by page; at most `max_entries`.
    ///
    /// # Errors
    /// [`RequestError::Mismatch`] with the status when the store refuses, or when it hands out a cursor that leads
    /// nowhere; else see [`RequestError`].
    pub async fn store_history(
        &self,
        peer: PeerId,
        filter: &StoreFilter,
        include_data: bool,
        max_entries: usize,
    ) -> Result<Vec<WakuMessageKeyValue>, RequestError> {
        let mut entries = Vec::new();
        let mut page = StorePage::default();
        while entries.len() < max_entries {
            let request = StoreQueryRequest::page(new_request_id(), filter.clone(), page, include_data)
                .map_err(|error| mismatch(&error.to_string()))?;
            let answer = self.store_query(peer, &request).await?;
            let status = answer.status();
            if status.code != code::OK {
                return Err(mismatch(&format!("store answered {status}")));
            }
            let cursor = answer.cursor();
            let is_last = cursor.is_none();
            // A store that ignores the cursor would be asked for the same page for ever.
            if !is_last && (cursor == page.cursor || answer.messages.is_empty()) {
                return Err(mismatch("store repeats its cursor"));
            }
            entries.extend(answer.messages);
            if is_last {
                break;
            }
            page.cursor = cursor;
        }
        entries.truncate(max_entries);
        Ok(entries)
    }
}
