//! Holds answers against the document: the status, the media type, the body with no field that is not said, and the
//! headers.

use std::collections::BTreeMap;
use std::sync::Mutex;

use makegood_endpoints::platform::Platform;
use serde_json::{Value, json};

/// The document that a platform serves, and what was seen of it.
pub struct Contract {
    document: Value,
    seen: Mutex<BTreeMap<String, Vec<u16>>>,
}

impl Contract {
    pub async fn of(platform: &Platform) -> Self {
        let mut document = platform.get("/api/openapi.json").await;
        close(&mut document["components"]["schemas"]);
        Self { document, seen: Mutex::default() }
    }

    /// Sends a request, asserts that its answer is as the document says, and answers with it.
    pub async fn ask(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let request = request.build().unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        // Where a browser is sent on to is another answer.
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let answer = client.execute(request).await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        let told = format!("{method} {path}: {status} {text}");
        // A page that sends us something has to be known as ours.
        let has_form = ["/", "/approve", "/debug/login"].contains(&path.as_str()) && status == 200;
        for (name, wanted) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", if has_form { "same-origin" } else { "no-referrer" }),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(headers[name], wanted, "{name} of {told}");
        }
        assert!(headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"), "{told}");
        assert!(headers.contains_key("cache-control"), "{told}");

        let (template, operations) = self.path(&path).unwrap_or_else(|| panic!("{path} is not in the document"));
        // What the address does not have is told alike by all that it has.
        let known = operations[method.as_str().to_lowercase()].as_object();
        let operation =
            known.map_or_else(|| operations.as_object().unwrap().values().next().unwrap().clone(), |one| json!(one));
        if known.is_none() {
            assert_eq!(status, 405, "{told}");
            let has = headers["allow"].to_str().unwrap();
            for method in operations.as_object().unwrap().keys() {
                assert!(has.contains(&method.to_uppercase()), "{has} of {told}");
            }
        } else {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            self.seen.lock().unwrap().entry(id).or_default().push(status);
        }
        let response = &operation["responses"][status.to_string()];
        assert!(response.is_object(), "{template} does not say {status}: {told}");
        let media =
            headers.get("content-type").map(|media| media.to_str().unwrap().split(';').next().unwrap().to_owned());
        let content = response["content"].as_object();
        match (content, &media) {
            (None, _) => assert_eq!(text, "", "{told}"),
            (Some(content), Some(media)) => {
                let said = content.get(media).unwrap_or_else(|| panic!("{media} is not said of {told}"));
                let body = if media.ends_with("json") {
                    let body = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {told}"));
                    self.validate(&said["schema"], &body, &told);
                    body
                } else {
                    json!(text)
                };
                return (status, body);
            }
            (Some(_), None) => panic!("it has no media type: {told}"),
        }
        (status, Value::Null)
    }

    fn path(&self, path: &str) -> Option<(&str, &Value)> {
        let fits = |template: &str| {
            let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
            template.len() == path.len()
                && template.iter().zip(&path).all(|(wanted, given)| wanted.starts_with('{') || wanted == given)
        };
        let paths = self.document["paths"].as_object().unwrap();
        // A word before a parameter.
        let mut found: Vec<_> = paths.iter().filter(|(template, _)| fits(template)).collect();
        found.sort_by_key(|(template, _)| template.matches('{').count());
        found.first().map(|(template, operations)| (template.as_str(), *operations))
    }

    /// The data of a stream's event, by the field of `Progress` that it is.
    pub fn event(&self, name: &str, data: &Value) {
        let schema = json!({"$ref": "#/components/schemas/Progress"});
        self.validate(&schema, &json!({name: data}), &format!("the event {name}: {data}"));
    }

    /// The data of an event that has a schema of its own.
    pub fn data(&self, schema: &str, data: &Value) {
        let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
        self.validate(&schema, data, &format!("the event {data}"));
    }

    fn validate(&self, schema: &Value, body: &Value, told: &str) {
        let mut whole = schema.clone();
        whole["components"] = self.document["components"].clone();
        let validator = jsonschema::draft202012::new(&whole).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(body).map(|error| format!("{} at {}", error, error.instance_path())).collect();
        assert!(errors.is_empty(), "{}\n{told}", errors.join("\n"));
    }

    /// What was answered to each operation.
    pub fn seen(&self) -> BTreeMap<String, Vec<u16>> {
        self.seen.lock().unwrap().clone()
    }

    pub fn operations(&self) -> Vec<&str> {
        let paths = self.document["paths"].as_object().unwrap();
        let all = paths.values().flat_map(|methods| methods.as_object().unwrap().values());
        all.map(|operation| operation["operationId"].as_str().unwrap()).collect()
    }
}

/// Lets schemas have no fields but those that they name: here an answer must not say more than the document.
fn close(schemas: &mut Value) {
    for (name, schema) in schemas.as_object_mut().unwrap() {
        // A problem is narrowed where it is used, and stands beside that.
        if schema["properties"].is_object() && name != "Problem" {
            schema["unevaluatedProperties"] = json!(false);
        }
    }
}
