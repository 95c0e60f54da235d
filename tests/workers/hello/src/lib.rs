//! The least that a function can be, built as ours are for Workers and for Spin: what their cold start is measured
//! against. Elsewhere it is nothing.

#![forbid(unsafe_code)]

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod function {
    #[worker::event(fetch)]
    async fn serve(_: worker::Request, _: worker::Env, _: worker::Context) -> worker::Result<worker::Response> {
        worker::Response::ok("hello\n")
    }
}

#[cfg(all(target_os = "wasi", target_env = "p2"))]
mod function {
    #[spin_sdk::http_service]
    async fn serve(_: spin_sdk::http::Request) -> &'static str {
        "hello\n"
    }
}
