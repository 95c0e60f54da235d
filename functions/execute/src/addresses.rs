//! What this function does, and where. `api` describes each of them.

use makegood_edge::addresses::Address;

/// The Model Context Protocol: it refuses in its own words, so it is asked before the table.
pub const MCP: &str = "/mcp";
/// Where a page sends what was decided on it: it is answered with pages, refusals among them.
pub const FORM: &str = "/api/execute/decisions/form";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Start,
    Step,
    Sweep,
    Scheduled,
    Wish,
    Delivery,
    ListSchedules,
    CreateSchedule,
    ShowSchedule,
    DeleteSchedule,
    PauseSchedule,
    ResumeSchedule,
    ListBreakers,
    OpenBreaker,
    CloseBreaker,
    ResetBreaker,
    Decide,
    DecideByForm,
    Look,
    Show,
    Cancel,
    MakeLink,
    Pause,
    Resume,
    Approve,
    Reject,
    Follow,
    Bring,
    Retry,
    Resolve,
    Replan,
    Mcp,
}

/// Words come before ids.
pub const ADDRESSES: [Address<Operation>; 29] = [
    Address { path: "/api/execute", methods: &[("POST", Operation::Start)] },
    Address { path: "/api/execute/step", methods: &[("POST", Operation::Step)] },
    Address { path: "/api/execute/sweep", methods: &[("POST", Operation::Sweep)] },
    Address { path: "/api/execute/scheduled", methods: &[("POST", Operation::Scheduled)] },
    Address { path: "/api/execute/wish", methods: &[("POST", Operation::Wish)] },
    Address { path: "/api/execute/delivery", methods: &[("POST", Operation::Delivery)] },
    Address {
        path: "/api/execute/schedules",
        methods: &[("GET", Operation::ListSchedules), ("POST", Operation::CreateSchedule)],
    },
    Address {
        path: "/api/execute/schedules/{schedule}",
        methods: &[("GET", Operation::ShowSchedule), ("DELETE", Operation::DeleteSchedule)],
    },
    Address { path: "/api/execute/schedules/{schedule}/pause", methods: &[("POST", Operation::PauseSchedule)] },
    Address { path: "/api/execute/schedules/{schedule}/resume", methods: &[("POST", Operation::ResumeSchedule)] },
    Address { path: "/api/execute/breakers", methods: &[("GET", Operation::ListBreakers)] },
    Address { path: "/api/execute/breakers/{breaker}/open", methods: &[("POST", Operation::OpenBreaker)] },
    Address { path: "/api/execute/breakers/{breaker}/close", methods: &[("POST", Operation::CloseBreaker)] },
    Address { path: "/api/execute/breakers/{breaker}/reset", methods: &[("POST", Operation::ResetBreaker)] },
    Address { path: "/api/execute/decisions", methods: &[("POST", Operation::Decide)] },
    Address { path: FORM, methods: &[("POST", Operation::DecideByForm)] },
    Address { path: "/api/execute/decisions/look", methods: &[("POST", Operation::Look)] },
    Address { path: "/api/execute/{saga}", methods: &[("GET", Operation::Show)] },
    Address { path: "/api/execute/{saga}/cancel", methods: &[("POST", Operation::Cancel)] },
    Address { path: "/api/execute/{saga}/links", methods: &[("POST", Operation::MakeLink)] },
    Address { path: "/api/execute/{saga}/pause", methods: &[("POST", Operation::Pause)] },
    Address { path: "/api/execute/{saga}/resume", methods: &[("POST", Operation::Resume)] },
    Address { path: "/api/execute/{saga}/approve", methods: &[("POST", Operation::Approve)] },
    Address { path: "/api/execute/{saga}/reject", methods: &[("POST", Operation::Reject)] },
    Address { path: "/api/execute/{saga}/events", methods: &[("GET", Operation::Follow), ("POST", Operation::Bring)] },
    Address { path: "/api/execute/{saga}/retry", methods: &[("POST", Operation::Retry)] },
    Address { path: "/api/execute/{saga}/resolve", methods: &[("POST", Operation::Resolve)] },
    Address { path: "/api/execute/{saga}/replan", methods: &[("POST", Operation::Replan)] },
    Address { path: MCP, methods: &[("POST", Operation::Mcp)] },
];
