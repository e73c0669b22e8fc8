//! Identities of light clients: random, or derived from a seed so that a run can be repeated with the same peer ids.

use libp2p::identity::{Keypair, secp256k1};
use sha2::{Digest, Sha256};

/// Separates this use of the seed from any other.
const DOMAIN: &[u8] = b"lpt light client identity v1";

/// A secp256k1 identity. Without a seed it is random; with one it depends on seed, role and client index alone, so two
/// processes of one role must be given different seeds.
#[must_use]
pub fn keypair(seed: Option<&str>, role: &str, client: u32) -> Keypair {
    let Some(seed) = seed else {
        return Keypair::generate_secp256k1();
    };
    // A digest is no valid secret with a chance of 2^-128; the counter makes that a non-event rather than a panic.
    let secret = (0_u32..).find_map(|counter| {
        let mut digest: [u8; 32] = Sha256::new()
            .chain_update(DOMAIN)
            .chain_update((seed.len() as u64).to_be_bytes())
            .chain_update(seed)
            .chain_update((role.len() as u64).to_be_bytes())
            .chain_update(role)
            .chain_update(client.to_be_bytes())
            .chain_update(counter.to_be_bytes())
            .finalize()
            .into();
        secp256k1::SecretKey::try_from_bytes(&mut digest).ok()
    });
    secret.map_or_else(Keypair::generate_secp256k1, |secret| {
        secp256k1::Keypair::from(secret).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_identities_repeat_and_differ_by_seed_role_and_client() {
        let id = |seed, role, client| keypair(seed, role, client).public().to_peer_id();
        let first = id(Some("a"), "publisher", 0);
        assert_eq!(first, id(Some("a"), "publisher", 0));
        let others = [
            id(Some("b"), "publisher", 0),
            id(Some("a"), "receiver", 0),
            id(Some("a"), "publisher", 1),
        ];
        assert!(!others.contains(&first));
        assert_ne!(id(None, "publisher", 0), id(None, "publisher", 0));
    }

    #[test]
    fn peer_ids_are_secp256k1_as_nwaku_has_them() {
        assert!(
            keypair(Some("a"), "publisher", 0)
                .public()
                .to_peer_id()
                .to_string()
                .starts_with("16Uiu2HA")
        );
    }
}
