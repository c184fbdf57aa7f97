//! Blocks of PEM over several lines, which are no lines of the log: a private key must not leave in parts that nobody knows by their form.

/// Where in a block the next line stands.
#[derive(Debug, Default)]
pub(super) struct Pem {
    is_open: bool,
}

impl Pem {
    /// Whether `line` is inside of a block that began before it, and says nothing but its secret. A line that cannot be of a block ends it, so
    /// that one that is cut costs nothing else.
    pub(super) fn holds(&mut self, line: &str) -> bool {
        let is_inside = self.is_open && is_of_block(line);
        let begins = line.rfind("-----BEGIN ");
        self.is_open = match begins {
            Some(at) => line.get(at..).is_some_and(|rest| !rest.contains("-----END ")),
            None => is_inside && !line.contains("-----END "),
        };
        is_inside
    }
}

/// Base64, a header such as `Proc-Type: 4,ENCRYPTED`, or the end.
fn is_of_block(line: &str) -> bool {
    let line = line.trim();
    let is_base64 =
        line.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
    is_base64
        || line.starts_with("-----END ")
        || ["Proc-Type: ", "DEK-Info: "].iter().any(|header| line.starts_with(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(lines: &[&'static str]) -> Vec<&'static str> {
        let mut pem = Pem::default();
        lines.iter().copied().filter(|line| !pem.holds(line)).collect()
    }

    #[test]
    fn nothing_of_a_key_but_its_begin_is_kept() {
        let key = [
            "loading key",
            "-----BEGIN RSA PRIVATE KEY-----",
            "Proc-Type: 4,ENCRYPTED",
            "MIIEpAIBAAKCAQEA",
            "  c2VjcmV0+/==",
            "-----END RSA PRIVATE KEY-----",
            "done",
        ];
        assert_eq!(kept(&key), ["loading key", "-----BEGIN RSA PRIVATE KEY-----", "done"]);
    }

    #[test]
    fn a_block_that_is_cut_ends_with_the_first_line_that_is_none() {
        let cut = ["x -----BEGIN CERTIFICATE-----", "MIIE", "2027-01-15 ERROR gone", "MIIE"];
        assert_eq!(kept(&cut), ["x -----BEGIN CERTIFICATE-----", "2027-01-15 ERROR gone", "MIIE"]);
        let whole = ["-----BEGIN A-----MIIE-----END A-----", "MIIE"];
        assert_eq!(kept(&whole), whole);
    }
}
