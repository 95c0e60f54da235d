//! Calls of tools over HTTP, below the one address that the operator has for them.
//!
//! Who makes a call when, and what an answer means for a saga, is decided elsewhere: here it leaves with what lets it
//! in, or it does not leave.

use makegood_core::saga::{Call, Outcome, Refusal};
use makegood_gateway::tool;

use crate::host::{FetchError, Host, Level};
use crate::outbound::{self, Bound};

/// Makes one call. `base`: where tools are; `secrets`: what lets calls in, as [`tool::secrets`] reads it.
pub async fn perform<H: Host>(host: &H, base: &str, secrets: &str, call: &Call) -> Outcome {
    if let Err(reason) = outbound::admits(host, &call.hosts, base) {
        // Whoever runs this can mend it, and nothing was done.
        return Outcome::Later { after: None, code: "not_sent".to_owned(), reason };
    }
    let mut request = match tool::request(base, call) {
        Ok(request) => request,
        // It cannot even be written down, now or later.
        Err(error) => return Outcome::Refused(Refusal { code: "unsendable".to_owned(), detail: error.0 }),
    };
    match tool::secrets(&call.secrets, secrets) {
        Ok(secrets) => {
            for (name, value) in secrets {
                request.headers_mut().insert(name, value);
            }
        }
        Err(error) => {
            host.log(Level::Warn, &format!("{} was not called: {error}", call.tool));
            return Outcome::Later { after: None, code: "not_sent".to_owned(), reason: error.0 };
        }
    }
    match outbound::fetch(host, Bound::Below(base), request, call.timeout).await {
        Ok(response) => tool::outcome(call.op, &response),
        Err(FetchError::NotSent(reason)) => Outcome::Later { after: None, code: "not_sent".to_owned(), reason },
        Err(FetchError::Unknown(reason)) => Outcome::Unknown { code: "no_answer".to_owned(), reason },
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    use bytes::Bytes;
    use futures_util::FutureExt;
    use makegood_core::saga::{Answer, Op};
    use makegood_core::time::Millis;
    use makegood_core::tool::{Era, Failure, Mcp};
    use makegood_gateway::{Request, Response};
    use serde_json::{Map, json};

    use super::*;
    use crate::mcp;

    /// Counts what leaves it, and keeps what it logs.
    #[derive(Clone, Default)]
    struct Counting {
        left: Rc<Cell<u32>>,
        said: Rc<RefCell<Vec<String>>>,
        /// The header `x-api-key` of what left last.
        shown: Rc<RefCell<Option<String>>>,
    }

    impl Host for Counting {
        async fn fetch(&self, request: Request, _: Millis) -> Result<Response, FetchError> {
            self.left.set(self.left.get() + 1);
            *self.shown.borrow_mut() =
                request.headers().get("x-api-key").map(|shown| shown.to_str().unwrap().to_owned());
            let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {"content": []}});
            Ok(Response::new(Bytes::from(answer.to_string())))
        }

        fn now(&self) -> Millis {
            Millis(1)
        }

        fn random(&self) -> [u8; 16] {
            [7; 16]
        }

        fn config(&self, _: &str) -> Option<String> {
            None
        }

        async fn sleep(&self, _: Millis) {}

        fn log(&self, _: Level, line: &str) {
            self.said.borrow_mut().push(line.to_owned());
        }
    }

    fn call(hosts: &[&str]) -> Call {
        Call {
            node: 0,
            op: Op::Do,
            round: 0,
            attempt: 1,
            tool: "book".to_owned(),
            key: "k".to_owned(),
            trace: String::new(),
            params: Map::new(),
            output: None,
            timeout: Millis(1_000),
            fingerprint: 0,
            limits: Vec::new(),
            rate: None,
            secrets: Map::new(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            mcp: None,
        }
    }

    #[test]
    fn a_tool_is_shown_its_secret_at_its_hosts_and_without_one_it_is_not_called() {
        let configured = r#"{"luigi": "0123456789ab", "mario": "ba9876543210"}"#;
        for (hosts, configured, shown) in [
            (["tools.test"], configured, Some("0123456789ab")),
            (["other.test"], configured, None),
            (["tools.test"], r#"{"mario": "ba9876543210"}"#, None),
            (["tools.test"], "", None),
            (["tools.test"], "0123456789ab", None),
        ] {
            let (host, mut call) = (Counting::default(), call(&hosts));
            call.secrets.insert("x-api-key".to_owned(), json!("luigi"));
            let outcome = perform(&host, "https://tools.test/t", configured, &call).now_or_never().unwrap();
            assert_eq!((host.shown.borrow().as_deref(), host.left.get()), (shown, u32::from(shown.is_some())));
            match outcome {
                Outcome::Ok(Answer::Output(_)) => assert!(shown.is_some()),
                Outcome::Later { code, reason, .. } => {
                    assert!(shown.is_none() && code == "not_sent" && !reason.contains("0123"), "{reason}");
                    assert_eq!(host.said.borrow().len(), 1, "the operator hears of it");
                }
                other @ (Outcome::Ok(_) | Outcome::Refused(_) | Outcome::Unknown { .. }) => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_tool_that_names_hosts_is_called_at_these_only() {
        let mcp = Mcp {
            server: "x".to_owned(),
            era: Era::Modern,
            tool: "book".to_owned(),
            pin: String::new(),
            headers: Vec::new(),
            undo: None,
            status: None,
            failure: Failure::Refused,
        };
        let configured = r#"{"x": {"url": "https://Tools.test:8443/t"}}"#;
        for (hosts, is_let_out) in [
            (vec![], true),
            (vec!["other.test", "tools.test"], true),
            (vec!["other.test"], false),
            (vec!["tools.test.evil.test", "test"], false),
        ] {
            let (host, call) = (Counting::default(), call(&hosts));
            let over_http = perform(&host, "https://Tools.test:8443/t", "", &call).now_or_never().unwrap();
            let over_mcp = mcp::perform(&host, configured, &mcp, &call).now_or_never().unwrap();
            for outcome in [over_http, over_mcp] {
                match outcome {
                    Outcome::Ok(Answer::Output(_)) => assert!(is_let_out, "{hosts:?}"),
                    Outcome::Later { code, .. } => assert!(!is_let_out && code == "not_sent", "{hosts:?}"),
                    other @ (Outcome::Ok(_) | Outcome::Refused(_) | Outcome::Unknown { .. }) => panic!("{other:?}"),
                }
            }
            assert_eq!(host.left.get(), if is_let_out { 2 } else { 0 }, "{hosts:?}");
            assert_eq!(host.said.borrow().len(), if is_let_out { 0 } else { 2 }, "{:?}", host.said.borrow());
        }
    }
}
