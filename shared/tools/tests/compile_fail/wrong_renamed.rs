use makegood_tools::Shape;

#[derive(serde::Serialize, Shape)]
#[serde(rename_all = "camelCase")]
struct Booking {
    party_size: u8,
}

#[derive(serde::Serialize, Shape)]
struct Guest<T> {
    of: T,
}

fn main() {}
