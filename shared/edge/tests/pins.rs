//! The sweeper's look at MCP servers: whose tools say something else than when they were registered.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use makegood_cloud::mcp::TestTools;
use makegood_core::time::Millis;
use makegood_core::tool::{Era, Mcp};
use makegood_edge::host::{FetchError, Host, Level};
use makegood_edge::native::Native;
use makegood_edge::{Settings, mcp, pins};
use makegood_gateway::mcp::Server;
use makegood_gateway::mcp::discovery::{Words, draft};
use makegood_gateway::pins::{Due, LOOK, Pinned, REFUSE, SAW};
use serde_json::{Value, json};

/// A machine whose database is made up; all else is called.
#[derive(Clone)]
struct Half {
    native: Native,
    servers: String,
    due: Rc<Due>,
    refused: Rc<RefCell<Vec<String>>>,
    /// The tools of which it is noted that their server said what it said.
    same: Rc<RefCell<Vec<String>>>,
    said: Rc<RefCell<Vec<(Level, String)>>>,
}

impl Host for Half {
    async fn fetch(
        &self,
        request: makegood_gateway::Request,
        timeout: Millis,
    ) -> Result<makegood_gateway::Response, FetchError> {
        if request.uri().host() != Some("db.test") {
            return self.native.fetch(request, timeout).await;
        }
        let query: Value = serde_json::from_slice(request.body()).unwrap();
        let answer = match query["query"].as_str().unwrap_or_default() {
            LOOK => serde_json::to_string(&*self.due).unwrap(),
            REFUSE => {
                self.refused.borrow_mut().push(query["params"][0].as_str().unwrap().to_owned());
                "true".to_owned()
            }
            SAW => {
                let names = query["params"][0].as_str().unwrap();
                self.same.borrow_mut().extend(serde_json::from_str::<Vec<String>>(names).unwrap());
                "true".to_owned()
            }
            other => panic!("{other}"),
        };
        Ok(http::Response::new(Bytes::from(json!({ "rows": [[answer]] }).to_string())))
    }

    fn now(&self) -> Millis {
        self.native.now()
    }

    fn random(&self) -> [u8; 16] {
        self.native.random()
    }

    fn config(&self, name: &str) -> Option<String> {
        match name {
            "database_http_url" => Some("https://db.test/sql".to_owned()),
            "mcp_servers" => Some(self.servers.clone()),
            _ => None,
        }
    }

    async fn sleep(&self, span: Millis) {
        self.native.sleep(span).await;
    }

    fn log(&self, level: Level, line: &str) {
        self.said.borrow_mut().push((level, line.to_owned()));
    }
}

/// What a look at a server does, of which these tools are in use: those that it takes out of use, those of which it notes
/// that nothing has changed, and what it says.
async fn looked(servers: &str, tools: &[(&str, Mcp)]) -> (Vec<String>, Vec<String>, Vec<(Level, String)>) {
    let pinned =
        |(name, mcp): &(&str, Mcp)| Pinned { name: (*name).to_owned(), version: "1".to_owned(), mcp: mcp.clone() };
    let host = Half {
        native: Native::new(BTreeMap::new()),
        servers: servers.to_owned(),
        due: Rc::new(Due { server: "test".to_owned(), tools: tools.iter().map(pinned).collect() }),
        refused: Rc::default(),
        same: Rc::default(),
        said: Rc::default(),
    };
    pins::watch(&host, &Settings::read(&host).unwrap()).await.unwrap();
    let refused = host.refused.borrow().clone();
    let same = host.same.borrow().clone();
    let said = host.said.borrow().clone();
    (refused, same, said)
}

#[tokio::test]
async fn a_tool_of_which_its_server_says_something_else_is_out_of_use() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = makegood_cloud::Mcp::new(TestTools).router();
    let served = tokio::spawn(async move { axum::serve(listener, router).await });
    let servers = json!({ "test": { "url": url } }).to_string();
    let native = Native::new(BTreeMap::new());
    let (_, list) = mcp::list(&native, &Server { url, token: String::new() }).await.unwrap();
    for era in [Era::Modern, Era::Legacy] {
        let place = |tool: &str| draft("test", era, &list, tool, &Words::default()).unwrap().definition.mcp.unwrap();
        let same = ("same", place("add"));
        let changed = ("changed", Mcp { pin: place("add").pin, ..place("echo") });
        let gone = ("gone", Mcp { tool: "gone".to_owned(), ..place("add") });
        let (refused, unchanged, said) = looked(&servers, &[same.clone(), changed, gone]).await;
        assert_eq!(
            (refused, unchanged),
            (vec!["changed".to_owned(), "gone".to_owned()], vec!["same".to_owned()]),
            "{era:?}"
        );
        assert!(said.iter().all(|(level, line)| *level == Level::Error && line.starts_with("alert: ")), "{said:?}");
        let (refused, unchanged, said) = looked(&servers, &[same]).await;
        assert_eq!((refused, unchanged, said), (vec![], vec!["same".to_owned()], vec![]), "{era:?}");
    }
    // An outage changes nothing.
    served.abort();
    _ = served.await;
    let lost = (
        "lost",
        Mcp {
            pin: "another".to_owned(),
            ..draft("test", Era::Modern, &list, "add", &Words::default()).unwrap().definition.mcp.unwrap()
        },
    );
    for configured in [servers.as_str(), r#"{"other":{"url":"http://127.0.0.1:1/"}}"#, "{"] {
        let (refused, unchanged, said) = looked(configured, std::slice::from_ref(&lost)).await;
        assert!(refused.is_empty() && unchanged.is_empty() && said.len() == 1, "{configured}: {said:?}");
    }
}
