//! One handler with a path for each thing that a function may do to its host,
//! the bad ones included.

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use spin_sdk::http::{BoxBody, FullBody, Request, Response, box_body};
use spin_sdk::http::{body, send};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// Requests that this instance has taken, to see reuse from outside.
static SERVED: AtomicUsize = AtomicUsize::new(0);
/// Requests inside this instance right now, to see interleaving from outside.
static INSIDE: AtomicUsize = AtomicUsize::new(0);

fn text(status: u16, body: impl Into<Bytes>) -> Response<BoxBody> {
    let body: Bytes = body.into();
    let mut response = Response::new(box_body(FullBody::new(body.clone())));
    *response.status_mut() = status.try_into().expect("a valid status");
    response
        .headers_mut()
        .insert("content-length", body.len().into());
    response
}

fn header(request: &Request, name: &str) -> String {
    let value = request.headers().get(name);
    value.map_or(String::new(), |v| {
        String::from_utf8_lossy(v.as_bytes()).into_owned()
    })
}

#[spin_sdk::http_service]
async fn handle(request: Request) -> Result<Response<BoxBody>, spin_sdk::http::Error> {
    let served = SERVED.fetch_add(1, Relaxed) + 1;
    let path = request
        .uri()
        .path()
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned();
    Ok(match path.as_str() {
        "hello" => text(200, "hello"),
        "served" => text(200, served.to_string()),
        "url" => text(
            200,
            format!(
                "{} {} {}",
                request.uri(),
                header(&request, "spin-full-url"),
                header(&request, "spin-path-info")
            ),
        ),
        "env" => text(200, format!("{}", std::env::vars().count())),
        "echo" => {
            let (mut tx, rx) = body::stream::<Bytes>();
            let mut incoming = request.into_body().into_data_stream();
            spin_sdk::wasip3::spawn(async move {
                while let Some(Ok(chunk)) = incoming.next().await {
                    if tx.send(chunk).await.is_err() {
                        break;
                    }
                }
            });
            Response::new(box_body(rx))
        }
        "variable" => match spin_sdk::variables::get(&header(&request, "x-name")).await {
            Ok(value) => text(200, value),
            Err(error) => text(404, format!("{error:?}")),
        },
        "fetch" => {
            let method = if request.method() == "POST" {
                "POST"
            } else {
                "GET"
            };
            let url = header(&request, "x-url");
            let body = request
                .into_body()
                .collect()
                .await
                .map_err(|e| e.to_string())?
                .to_bytes();
            let mut outgoing = http::Request::builder().method(method).uri(url);
            if !body.is_empty() {
                outgoing = outgoing.header("content-length", body.len());
            }
            match send(outgoing.body(FullBody::new(body))?).await {
                Ok(response) => {
                    let status = response.status().as_u16();
                    match response.into_body().collect().await {
                        Ok(body) => text(status, body.to_bytes()),
                        Err(error) => text(502, format!("body: {error:?}")),
                    }
                }
                Err(error) => text(502, format!("{error:?}")),
            }
        }
        "abandon" => {
            let url = header(&request, "x-url");
            let call = Box::pin(send(
                http::Request::post(url).body(FullBody::new(Bytes::new()))?,
            ));
            let nap = Box::pin(spin_sdk::time::sleep(Duration::from_millis(50)));
            futures::future::select(call, nap).await;
            text(200, "abandoned")
        }
        "print" => {
            println!("to stdout");
            eprintln!("to stderr");
            text(200, "printed")
        }
        "panic" => panic!("a secret detail"),
        "loop" => loop {
            std::hint::black_box(served);
        },
        "hog" => {
            let mut hog: Vec<Vec<u8>> = Vec::new();
            loop {
                hog.push(vec![1; 1 << 20]);
                std::hint::black_box(&hog);
            }
        }
        "inside" => {
            let before = INSIDE.fetch_add(1, Relaxed);
            spin_sdk::time::sleep(Duration::from_millis(150)).await;
            INSIDE.fetch_sub(1, Relaxed);
            text(200, (before + 1).to_string())
        }
        "forever" => {
            spin_sdk::time::sleep(Duration::from_secs(3600)).await;
            text(200, "never")
        }
        "sse" => {
            let (mut tx, rx) = body::stream::<Bytes>();
            spin_sdk::wasip3::spawn(async move {
                for n in 0..5 {
                    if tx
                        .send(Bytes::from(format!("data: {n}\n\n")))
                        .await
                        .is_err()
                    {
                        break;
                    }
                    spin_sdk::time::sleep(Duration::from_millis(60)).await;
                }
            });
            let mut response = Response::new(box_body(rx));
            response
                .headers_mut()
                .insert("content-type", "text/event-stream".parse().expect("ascii"));
            response
        }
        _ => text(404, "no such path"),
    })
}
