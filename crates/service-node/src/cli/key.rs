//! The node's identity: from a file, from a seed, or fresh.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use libp2p::identity::{Keypair, secp256k1};

/// Largest key file read: 64 digits, `0x` and some white space.
const MAX_KEY_FILE_BYTES: u64 = 256;

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("key file {path}: {source}")]
    File {
        /// Its path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("key file {path}: expected 64 hex digits of a secp256k1 secret key, as nwaku's --nodekey takes them")]
    Content {
        /// Its path.
        path: PathBuf,
    },
}

/// Reads the key in `path`, or makes a key and the file.
pub(super) fn from_file(path: &Path) -> Result<Keypair, KeyError> {
    let failed = |source| KeyError::File {
        path: path.to_owned(),
        source,
    };
    match fs::metadata(path) {
        Ok(found) if found.len() > MAX_KEY_FILE_BYTES => Err(KeyError::Content { path: path.to_owned() }),
        Ok(_) => {
            let text = fs::read_to_string(path).map_err(failed)?;
            parse(&text).ok_or_else(|| KeyError::Content { path: path.to_owned() })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = secp256k1::Keypair::generate();
            let mut options = OpenOptions::new();
            let mut file = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .map_err(failed)?;
            let digits: String = key
                .secret()
                .to_bytes()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            writeln!(file, "{digits}").map_err(failed)?;
            Ok(key.into())
        }
        Err(error) => Err(failed(error)),
    }
}

fn parse(text: &str) -> Option<Keypair> {
    let digits = text.trim();
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut bytes = [0_u8; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    let secret = secp256k1::SecretKey::try_from_bytes(&mut bytes).ok()?;
    Some(secp256k1::Keypair::from(secret).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_key_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.key");
        let made = from_file(&path).unwrap().public().to_peer_id();
        assert_eq!(from_file(&path).unwrap().public().to_peer_id(), made);
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn anything_else_is_refused_with_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.key");
        for text in [
            "",
            "zz",
            &"0".repeat(64),
            &"a".repeat(63),
            &"a".repeat(300),
            &"é".repeat(32),
        ] {
            fs::write(&path, text).unwrap();
            let error = from_file(&path).unwrap_err();
            assert!(error.to_string().contains("node.key"), "{error}");
        }
    }
}
