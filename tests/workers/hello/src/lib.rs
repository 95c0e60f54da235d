//! The least that a function on Workers can be, built as ours are: what their cold start is measured
//! against. Elsewhere it is nothing.

#![forbid(unsafe_code)]

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod function {
    #[worker::event(fetch)]
    async fn serve(_: worker::Request, _: worker::Env, _: worker::Context) -> worker::Result<worker::Response> {
        worker::Response::ok("hello\n")
    }
}
