//! Reads `spin.toml` (manifest version 2): which routes lead to which
//! component, what each may know and reach, and how it is built.
//!
//! Only what an HTTP application of plain components needs. A key that Spin
//! does not know is an error that names it; a key that Spin knows and this host
//! has no use for is accepted, and where it would have granted something, said
//! aloud. Values are not resolved here: see [`super::variables`].

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A manifest that was read and found consistent.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Where the manifest stands; relative paths in it start here.
    pub folder: PathBuf,
    pub name: String,
    pub variables: BTreeMap<String, Variable>,
    /// In the order of the manifest; no two share a path.
    pub routes: Vec<Route>,
    pub components: BTreeMap<String, Component>,
}

/// An application variable. Without a default it is required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    pub default: Option<String>,
    pub secret: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Without the trailing `/...`, and without a trailing slash: `/api/execute`.
    pub base: String,
    /// Whether everything below `base` is meant as well.
    pub below: bool,
    pub component: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The Wasm component, as an absolute path or one relative to where the
    /// process stands, `CARGO_TARGET_DIR` considered.
    pub source: PathBuf,
    /// As written: templates of [`super::variables`].
    pub allowed_outbound_hosts: Vec<String>,
    /// As written: templates of [`super::variables`].
    pub variables: BTreeMap<String, String>,
    pub build: Option<Build>,
    /// Keys that would grant it more than this host provides: `files`, `key_value_stores` and the like.
    pub granted: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    pub command: String,
    /// Paths relative to the manifest, with `*` and `**`.
    pub watch: Vec<String>,
}

impl Manifest {
    /// Reads and checks the manifest at `path`.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read the manifest {}", path.display()))?;
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        Self::parse(&text, folder, target.as_deref()).with_context(|| format!("in {}", path.display()))
    }

    /// Reads a manifest that stands in `folder`. Cargo writes to `target`, or
    /// to the folder `target` beside the manifest.
    pub fn parse(text: &str, folder: &Path, target: Option<&Path>) -> anyhow::Result<Self> {
        let file: File = toml::from_str(text)?;
        ensure!(
            file.spin_manifest_version == 2,
            "spin_manifest_version is {}, and only 2 is understood here",
            file.spin_manifest_version
        );
        let variables = file
            .variables
            .into_iter()
            .map(|(name, variable)| Ok((name.clone(), variable.checked(&name)?)))
            .collect::<anyhow::Result<BTreeMap<_, _>>>()?;
        let components = file
            .component
            .into_iter()
            .map(|(id, component)| {
                let checked = component.checked(&id, folder, target)?;
                Ok((id, checked))
            })
            .collect::<anyhow::Result<BTreeMap<_, _>>>()?;
        let mut routes = Vec::with_capacity(file.trigger.http.len());
        let mut seen = BTreeSet::new();
        for trigger in file.trigger.http {
            let route = trigger.checked()?;
            ensure!(
                components.contains_key(&route.component),
                "the route {} leads to the component {:?}, and there is no [component.{}]",
                route.base,
                route.component,
                route.component
            );
            ensure!(seen.insert((route.base.clone(), route.below)), "the route {} is there twice", route.base);
            routes.push(route);
        }
        Ok(Self { folder: folder.to_owned(), name: file.application.name, variables, routes, components })
    }
}

/// A key that Spin knows and that makes no difference here.
type Unused = Option<toml::Value>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    spin_manifest_version: u32,
    application: Application,
    #[serde(default)]
    variables: BTreeMap<String, RawVariable>,
    #[serde(default)]
    trigger: Triggers,
    #[serde(default)]
    component: BTreeMap<String, RawComponent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Application {
    name: String,
    #[serde(default, rename = "version")]
    _version: Unused,
    #[serde(default, rename = "description")]
    _description: Unused,
    #[serde(default, rename = "authors")]
    _authors: Unused,
    #[serde(default, rename = "trigger")]
    _trigger: Unused,
    #[serde(default, rename = "tool")]
    _tool: Unused,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVariable {
    default: Option<String>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    secret: bool,
    #[serde(default, rename = "description")]
    _description: Unused,
}

impl RawVariable {
    fn checked(self, name: &str) -> anyhow::Result<Variable> {
        super::variables::check_name(name).map_err(|why| anyhow::anyhow!("the variable {name:?}: {why}"))?;
        match (&self.default, self.required) {
            (None, false) => bail!("the variable {name:?} has neither a default nor `required = true`: give it one"),
            (Some(_), true) => bail!("the variable {name:?} has both a default and `required = true`: take one away"),
            (None, true) | (Some(_), false) => Ok(Variable { default: self.default, secret: self.secret }),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Triggers {
    #[serde(default)]
    http: Vec<HttpTrigger>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HttpTrigger {
    route: toml::Value,
    component: String,
    #[serde(default, rename = "id")]
    _id: Unused,
    #[serde(default, rename = "executor")]
    _executor: Unused,
}

impl HttpTrigger {
    fn checked(self) -> anyhow::Result<Route> {
        let toml::Value::String(route) = self.route else {
            bail!(
                "the component {:?} has a route that is not a path: private routes are not \
                 served here",
                self.component
            );
        };
        let (base, below) = match route.strip_suffix("/...") {
            Some(base) => (base, true),
            None => (route.as_str(), false),
        };
        ensure!(
            (route.starts_with('/'))
                && !base.contains("...")
                && !base.split('/').any(|s| s.starts_with(':') || s.contains(['{', '}', '*'])),
            "the route {route:?} is neither a plain path nor one that ends in `/...`"
        );
        let base = match base {
            "/" => base,
            _ => base.trim_end_matches('/'),
        };
        Ok(Route { base: base.to_owned(), below, component: self.component })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawComponent {
    source: toml::Value,
    #[serde(default)]
    allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    build: Option<RawBuild>,
    #[serde(default, rename = "description")]
    _description: Unused,
    #[serde(default, rename = "exclude_files")]
    _exclude_files: Unused,
    #[serde(default, rename = "dependencies_inherit_configuration")]
    _dependencies_inherit_configuration: Unused,
    #[serde(default, rename = "targets")]
    _targets: Unused,
    #[serde(default, rename = "tool")]
    _tool: Unused,
    files: Unused,
    environment: Unused,
    key_value_stores: Unused,
    sqlite_databases: Unused,
    ai_models: Unused,
    dependencies: Unused,
}

impl RawComponent {
    fn checked(self, id: &str, folder: &Path, target: Option<&Path>) -> anyhow::Result<Component> {
        let toml::Value::String(source) = self.source else {
            bail!("component.{id}.source is not a path: only local files are served here");
        };
        let mut granted = Vec::new();
        for (key, value) in [
            ("files", &self.files),
            ("environment", &self.environment),
            ("key_value_stores", &self.key_value_stores),
            ("sqlite_databases", &self.sqlite_databases),
            ("ai_models", &self.ai_models),
            ("dependencies", &self.dependencies),
        ] {
            if value.is_some() {
                tracing::warn!(component = id, key, "this host does not provide this key");
                granted.push(key);
            }
        }
        for name in self.variables.keys() {
            super::variables::check_name(name)
                .map_err(|why| anyhow::anyhow!("component.{id}.variables.{name}: {why}"))?;
        }
        let source = match (target, source.strip_prefix("target/")) {
            (Some(target), Some(inside)) => target.join(inside),
            (None, _) | (_, None) => folder.join(source),
        };
        Ok(Component {
            source,
            allowed_outbound_hosts: self.allowed_outbound_hosts,
            variables: self.variables,
            build: self.build.map(|b| Build { command: b.command, watch: b.watch }),
            granted,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBuild {
    command: String,
    #[serde(default)]
    watch: Vec<String>,
    #[serde(default, rename = "environment")]
    _environment: Unused,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> anyhow::Result<Manifest> {
        Manifest::parse(text, Path::new("/app"), Some(Path::new("/built")))
    }

    const SMALL: &str = r#"
spin_manifest_version = 2
[application]
name = "small"
[variables]
host = { default = "http://127.0.0.1:3000" }
token = { required = true, secret = true }
[[trigger.http]]
route = "/api/one"
component = "one"
[[trigger.http]]
route = "/one/..."
component = "one"
[component.one]
source = "target/wasm32-wasip2/release/one.wasm"
allowed_outbound_hosts = ["{{ host }}"]
[component.one.variables]
token = "{{ token }}"
[component.one.build]
command = "cargo build -p one"
watch = ["src/**/*.rs"]
"#;

    #[test]
    fn routes_variables_and_sources_are_read() {
        let manifest = parse(SMALL).unwrap();
        assert_eq!(
            manifest.routes,
            [
                Route { base: "/api/one".into(), below: false, component: "one".into() },
                Route { base: "/one".into(), below: true, component: "one".into() },
            ]
        );
        assert!(manifest.variables["token"].secret);
        assert_eq!(manifest.variables["token"].default, None);
        assert_eq!(manifest.components["one"].source, Path::new("/built/wasm32-wasip2/release/one.wasm"));
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = parse(&SMALL.replace("allowed_outbound_hosts", "allowed_hosts")).unwrap_err();
        assert!(format!("{error:#}").contains("allowed_hosts"), "{error:#}");
    }

    #[test]
    fn keys_that_spin_knows_are_accepted() {
        parse(
            &SMALL.replace("[component.one.variables]", "key_value_stores = [\"default\"]\n[component.one.variables]"),
        )
        .unwrap();
    }

    #[test]
    fn a_route_to_nowhere_is_refused() {
        let error = parse(&SMALL.replace("component = \"one\"", "component = \"two\""));
        assert!(format!("{:#}", error.unwrap_err()).contains("[component.two]"));
    }

    #[test]
    fn a_route_with_parameters_is_refused() {
        let error = parse(&SMALL.replace("/api/one", "/api/:id")).unwrap_err();
        assert!(format!("{error:#}").contains("/api/:id"), "{error:#}");
    }

    #[test]
    fn a_variable_with_neither_default_nor_required_is_refused() {
        let error = parse(&SMALL.replace("required = true, ", "")).unwrap_err();
        assert!(format!("{error:#}").contains("\"token\""), "{error:#}");
    }

    #[test]
    fn the_manifest_of_this_repository_is_read() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spin.toml");
        let manifest = Manifest::read(&path).unwrap();
        let components: Vec<_> = manifest.components.keys().collect();
        assert_eq!(components, ["chat", "debug", "execute", "intent", "webhook"]);
        assert_eq!(manifest.routes.len(), 13);
    }
}
