//! Parameters that steer how a real model words its answer. They change nothing here, and have to be right all the
//! same: what the service refuses must not pass on a laptop.

use serde_json::Value;

use super::{
    parse::{Fields, flag, given},
    refusal::Refusal,
};

const DECIMALS: [(&str, f64, f64); 4] =
    [("temperature", 0.0, 2.0), ("top_p", 0.0, 1.0), ("presence_penalty", -2.0, 2.0), ("frequency_penalty", -2.0, 2.0)];
const FLAGS: [&str; 2] = ["logprobs", "store"];
const TEXTS: [&str; 4] = ["user", "safety_identifier", "prompt_cache_key", "service_tier"];
const EFFORTS: [&str; 6] = ["none", "minimal", "low", "medium", "high", "xhigh"];
const MAX_TOP_LOGPROBS: i64 = 20;
const MAX_BIAS: f64 = 100.0;
const MAX_METADATA: usize = 16;
const MAX_METADATA_KEY: usize = 64;
const MAX_METADATA_VALUE: usize = 512;

/// # Errors
/// Names the first that is wrong.
pub fn check(fields: &Fields) -> Result<(), Refusal> {
    for (name, low, high) in DECIMALS {
        if let Some(value) = given(fields, name) {
            decimal(name, value, low, high)?;
        }
    }
    for name in FLAGS {
        flag(fields, name)?;
    }
    for name in TEXTS {
        if given(fields, name).is_some_and(|value| !value.is_string()) {
            return Err(Refusal::mistyped(name, "a string"));
        }
    }
    if given(fields, "seed").is_some_and(|value| !value.is_i64()) {
        return Err(Refusal::mistyped("seed", "an integer"));
    }
    effort(fields)?;
    top_logprobs(fields)?;
    logit_bias(fields)?;
    metadata(fields)
}

fn decimal(name: &str, value: &Value, low: f64, high: f64) -> Result<(), Refusal> {
    let number = value.as_f64().ok_or_else(|| Refusal::mistyped(name, "a decimal"))?;
    let (code, side, bound) = match number {
        number if number < low => ("decimal_below_min_value", "below minimum value. Expected a value >=", low),
        number if number > high => ("decimal_above_max_value", "above maximum value. Expected a value <=", high),
        _ => return Ok(()),
    };
    let message = format!("Invalid '{name}': decimal {side} {bound}, but got {value} instead.");
    Err(Refusal::invalid(name.to_owned(), message).coded(code))
}

fn effort(fields: &Fields) -> Result<(), Refusal> {
    const AT: &str = "reasoning_effort";
    match given(fields, AT) {
        None => Ok(()),
        Some(Value::String(effort)) if EFFORTS.contains(&effort.as_str()) => Ok(()),
        Some(Value::String(other)) => {
            let supported = EFFORTS.map(|effort| format!("'{effort}'")).join(", ");
            Err(Refusal::unsuitable(AT, format!("Invalid value: '{other}'. Supported values are: {supported}.")))
        }
        Some(_) => Err(Refusal::mistyped(AT, "a string")),
    }
}

fn top_logprobs(fields: &Fields) -> Result<(), Refusal> {
    const AT: &str = "top_logprobs";
    let Some(value) = given(fields, AT) else { return Ok(()) };
    let number = value.as_i64().ok_or_else(|| Refusal::mistyped(AT, "an integer"))?;
    if !given(fields, "logprobs").is_some_and(|value| value == true) {
        let message = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.";
        return Err(Refusal::invalid(AT.to_owned(), message));
    }
    let (code, side, bound) = match number {
        ..0 => ("integer_below_min_value", "below minimum value. Expected a value >=", 0),
        0..=MAX_TOP_LOGPROBS => return Ok(()),
        _ => ("integer_above_max_value", "above maximum value. Expected a value <=", MAX_TOP_LOGPROBS),
    };
    let message = format!("Invalid '{AT}': integer {side} {bound}, but got {number} instead.");
    Err(Refusal::invalid(AT.to_owned(), message).coded(code))
}

fn logit_bias(fields: &Fields) -> Result<(), Refusal> {
    const AT: &str = "logit_bias";
    let biases = match given(fields, AT) {
        None => return Ok(()),
        Some(Value::Object(biases)) => biases,
        Some(_) => return Err(Refusal::mistyped(AT, "an object")),
    };
    for (token, bias) in biases {
        if token.parse::<u32>().is_err() {
            let message =
                format!("Invalid key in 'logit_bias': {token}. You should only be submitting non-negative integers.");
            return Err(Refusal::unsuitable(AT, message));
        }
        decimal(&format!("{AT}.{token}"), bias, -MAX_BIAS, MAX_BIAS)?;
    }
    Ok(())
}

fn metadata(fields: &Fields) -> Result<(), Refusal> {
    const AT: &str = "metadata";
    let pairs = match given(fields, AT) {
        None => return Ok(()),
        Some(Value::Object(pairs)) => pairs,
        Some(_) => return Err(Refusal::mistyped(AT, "an object")),
    };
    if pairs.len() > MAX_METADATA {
        let message = format!("Invalid '{AT}': at most {MAX_METADATA} pairs, but got {}.", pairs.len());
        return Err(Refusal::unsuitable(AT, message));
    }
    for (key, value) in pairs {
        let at = format!("{AT}.{key}");
        let text = value.as_str().ok_or_else(|| Refusal::mistyped(&at, "a string"))?;
        if key.chars().count() > MAX_METADATA_KEY || text.chars().count() > MAX_METADATA_VALUE {
            let message = format!(
                "Invalid '{at}': a key has at most {MAX_METADATA_KEY} characters, a value at most {MAX_METADATA_VALUE}."
            );
            return Err(Refusal::unsuitable(&at, message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_right_passes_and_what_is_not_is_named_with_its_code() {
        let answer = |value: Value| check(value.as_object().unwrap());
        let right = json!({
            "temperature": 0, "top_p": 1.0, "presence_penalty": -2, "frequency_penalty": null, "seed": -7,
            "logprobs": true, "top_logprobs": 20, "user": "u", "logit_bias": {"50256": -100}, "metadata": {"a": "b"},
            "reasoning_effort": "low", "store": false
        });
        assert_eq!(answer(right), Ok(()));
        for (wrong, param, code) in [
            (json!({"temperature": 2.1}), "temperature", "decimal_above_max_value"),
            (json!({"temperature": "hot"}), "temperature", "invalid_type"),
            (json!({"top_p": -0.1}), "top_p", "decimal_below_min_value"),
            (json!({"seed": 1.5}), "seed", "invalid_type"),
            (json!({"logprobs": 1}), "logprobs", "invalid_type"),
            (json!({"logprobs": true, "top_logprobs": 21}), "top_logprobs", "integer_above_max_value"),
            (json!({"logit_bias": {"cat": 1}}), "logit_bias", "invalid_value"),
            (json!({"logit_bias": {"1": 101}}), "logit_bias.1", "decimal_above_max_value"),
            (json!({"metadata": {"a": 1}}), "metadata.a", "invalid_type"),
            (json!({"reasoning_effort": "hard"}), "reasoning_effort", "invalid_value"),
            (json!({"user": 7}), "user", "invalid_type"),
        ] {
            let refused = format!("{:?}", answer(wrong.clone()).unwrap_err());
            assert!(refused.contains(&format!("{param:?}")) && refused.contains(code), "{wrong}: {refused}");
        }
        assert!(answer(json!({"top_logprobs": 1})).is_err(), "without logprobs");
    }
}
