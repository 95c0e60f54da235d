//! Headers by which a service knows us, as an operator writes them: `name=value` with commas between, percent-encoded,
//! which is what `OTEL_EXPORTER_OTLP_HEADERS` has. They are secrets.

use crate::{Malformed, Request, Response, baggage, request};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// `None` where one of them is none.
    pub fn read(text: &str) -> Option<Self> {
        let read = baggage::read(text);
        let given = text.split(',').filter(|pair| !pair.trim().is_empty()).count();
        (read.len() == given).then(|| Self(read.into_iter().map(|pair| (pair.key, pair.value)).collect()))
    }

    /// A request that has them, marked as what nobody is to see.
    ///
    /// # Errors
    /// Where the address is none, or a header cannot be sent.
    pub fn request(&self, method: http::Method, url: &str, body: Vec<u8>) -> Result<Request, Malformed> {
        let headers: Vec<(&str, &str)> = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut request = request(method, url, &headers, body)?;
        for (name, _) in &headers {
            if let Some(value) = request.headers_mut().get_mut(*name) {
                value.set_sensitive(true);
            }
        }
        Ok(request)
    }

    /// What the service said, without what it knows us by.
    pub fn struck(&self, response: &Response) -> String {
        self.0.iter().fold(String::from_utf8_lossy(response.body()).into_owned(), |said, (_, value)| {
            if value.is_empty() { said } else { said.replace(value, "[secret]") }
        })
    }
}
