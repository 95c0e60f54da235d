//! What `makegood tools` is asked.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::configuration::Source;

#[derive(Debug, Args)]
pub struct Tools {
    #[command(flatten)]
    pub source: Source,
    #[command(subcommand)]
    pub verb: ToolsVerb,
}

#[derive(Debug, Subcommand)]
pub enum ToolsVerb {
    /// Every tool, and whether it is in use
    List(ListTools),
    /// A tool's definition
    Show(ShowTool),
    /// Makes a component of a tool written in Rust, and says what it weighs
    Build(BuildTool),
    /// Registers tools, from files, from components, or from an MCP server
    Add(AddTools),
    /// Calls a tool as a saga would on its worst day, and says what it gets wrong
    Test(TestTool),
    /// Takes a tool out of use
    Remove(OneTool),
    /// Writes JSON Schema and Rust types of a database's tables, or says how they have changed
    Reflect(ReflectTables),
}

#[derive(Debug, Args)]
pub struct ReflectTables {
    /// A table with its schema, as in `public.bookings`; may be given again
    #[arg(long = "table", value_name = "SCHEMA.TABLE", required = true)]
    pub tables: Vec<String>,
    /// Columns that the tool fills in by itself, so that no input has them
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub filled: Vec<String>,
    /// The folder that the files are checked in to
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Writes nothing: prints a diff where the files are not as the database is, and fails
    #[arg(long)]
    pub check: bool,
    /// The connection string; alone, a server that is connected to without TLS [default: as configured]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// Where SQL over HTTP is served [default: as configured]
    #[arg(long, value_name = "URL")]
    pub database_http_url: Option<String>,
}

#[derive(Debug, Args)]
pub struct ListTools {
    /// Prints all that is known, as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ShowTool {
    /// The tool
    #[arg(value_name = "NAME")]
    pub name: String,
}

#[derive(Debug, Args)]
pub struct OneTool {
    /// The tool
    #[arg(value_name = "NAME")]
    pub name: String,
}

#[derive(Debug, Args)]
pub struct BuildTool {
    /// The folder with its Cargo.toml
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
}

#[derive(Debug, Args)]
pub struct AddTools {
    /// Files, each a definition, a list of them, or a sample that holds one, or a component (.wasm) that says itself
    /// what it is; with --server, the server's tools [default: those of --words, or all]
    #[arg(value_name = "FILE|TOOL")]
    pub what: Vec<String>,
    /// The MCP server, as `mcp_servers` names it
    #[arg(long, value_name = "NAME")]
    pub server: Option<String>,
    /// What you say of the server's tools: docs/MCP.md
    #[arg(long, value_name = "FILE")]
    pub words: Option<PathBuf>,
    /// Shows what would be registered, and registers nothing
    #[arg(long)]
    pub dry_run: bool,
    /// With --server, approves of tools that have changed: the versions that they were shown with
    #[arg(long, value_name = "VERSION,…", value_delimiter = ',', requires = "server")]
    pub approve: Vec<String>,
    /// Of a component: the data of the platform that is to run it [default: `data` beside the manifest]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct TestTool {
    /// The sample: {"tool": a definition, or the name of a demo tool or of one that is in use, "params": {…}}
    #[arg(value_name = "FILE")]
    pub sample: PathBuf,
    /// What stands before `/{tool}/do`; without it, the tool is a registered one of an MCP server
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Prints the verdict as JSON
    #[arg(long)]
    pub json: bool,
}
