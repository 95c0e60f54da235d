//! Embeddings without a model: every word and every three characters of a
//! word point into a direction of their own, and a text is their sum. Texts
//! that share words are near each other; the meaning of words plays no part.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{models, parse, refusal::Refusal, tokens};

const DIMENSIONS: usize = 1536;
const MAX_INPUTS: usize = 2048;
const MAX_TOKENS: usize = 8192;
/// What three characters weigh, where a word weighs one.
const PIECE: f32 = 0.25;

/// # Errors
/// Names the first field that is wrong.
pub fn answer(body: &Value) -> Result<Value, Refusal> {
    let fields = body.as_object().ok_or_else(|| Refusal::invalid(None, "The body must be a JSON object."))?;
    let model = parse::text(fields, "model", "model")?;
    let inputs = inputs(parse::given(fields, "input").ok_or_else(|| Refusal::missing("input"))?)?;
    let most = DIMENSIONS as u64;
    let dimensions = parse::whole(fields, "dimensions", 1, most)?.and_then(|n| usize::try_from(n).ok());
    let as_text = match parse::given(fields, "encoding_format").map(Value::as_str) {
        None | Some(Some("float")) => false,
        Some(Some("base64")) => true,
        Some(_) => {
            let message = "Invalid 'encoding_format': expected 'float' or 'base64'.";
            return Err(Refusal::unsuitable("encoding_format", message));
        }
    };
    models::check_embedding(model)?;
    let mut used = 0;
    let mut data = Vec::with_capacity(inputs.len());
    for (index, input) in inputs.iter().enumerate() {
        if input.tokens > MAX_TOKENS {
            let message = format!("Invalid 'input[{index}]': maximum context length is {MAX_TOKENS} tokens.");
            return Err(Refusal::invalid("input".to_owned(), message));
        }
        used += input.tokens;
        let vector = embed(&input.text, dimensions.unwrap_or(DIMENSIONS));
        let embedding = if as_text {
            let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
            Value::String(STANDARD.encode(bytes))
        } else {
            json!(vector)
        };
        data.push(json!({"object": "embedding", "index": index, "embedding": embedding}));
    }
    Ok(json!({"object": "list", "data": data, "model": model,
              "usage": {"prompt_tokens": used, "total_tokens": used}}))
}

struct Input {
    text: String,
    tokens: usize,
}

/// A text, texts, the numbers of tokens, or several such: a number is taken for a word.
fn inputs(value: &Value) -> Result<Vec<Input>, Refusal> {
    let wrong = || Refusal::mistyped("input", "a string, an array of strings, or arrays of tokens");
    let one = |value: &Value| match value {
        Value::String(text) if text.is_empty() => Err(Refusal::invalid("input".to_owned(), "'input' cannot be empty.")),
        Value::String(text) => Ok(Input { tokens: tokens::count(text), text: text.clone() }),
        Value::Array(numbers) if !numbers.is_empty() && numbers.iter().all(Value::is_u64) => {
            let words: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            Ok(Input { text: words.join(" "), tokens: words.len() })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Err(wrong()),
    };
    let values = match value {
        Value::String(_) => std::slice::from_ref(value),
        Value::Array(values) if values.first().is_some_and(Value::is_u64) => std::slice::from_ref(value),
        Value::Array(values) if !values.is_empty() && values.len() <= MAX_INPUTS => values,
        Value::Array(_) => {
            let message = format!("Invalid 'input': expected from 1 to {MAX_INPUTS} elements.");
            return Err(Refusal::invalid("input".to_owned(), message));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return Err(wrong()),
    };
    values.iter().map(one).collect()
}

/// A vector of unit length. Fewer dimensions are the first of all, made longer again.
fn embed(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0_f32; dimensions];
    let lower = text.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).peekable();
    if words.peek().is_none() {
        add(&mut vector, text, 1.0);
    }
    for word in words {
        add(&mut vector, word, 1.0);
        let characters: Vec<char> = format!("<{word}>").chars().collect();
        for piece in characters.windows(3) {
            add(&mut vector, &piece.iter().collect::<String>(), PIECE);
        }
    }
    let length = vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    if length == 0.0 {
        vector[0] = 1.0;
        return vector;
    }
    vector.iter().map(|x| (f64::from(*x) / length) as f32).collect()
}

/// Adds the direction of a feature: in every dimension forth or back, by the bits of its hash.
fn add(vector: &mut [f32], feature: &str, weight: f32) {
    let mut state = fnv(feature.as_bytes());
    for part in vector.chunks_mut(64) {
        let bits = split_mix(&mut state);
        for (i, x) in part.iter_mut().enumerate() {
            *x += if bits >> i & 1 == 1 { weight } else { -weight };
        }
    }
}

/// FNV-1a (RFC 9923).
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearness(a: &str, b: &str, dimensions: usize) -> f32 {
        embed(a, dimensions).iter().zip(embed(b, dimensions)).map(|(x, y)| x * y).sum()
    }

    #[test]
    fn texts_that_share_words_are_nearer() {
        for dimensions in [DIMENSIONS, 256] {
            let shared = nearness("book a table at Luigi's", "a table for two, please", dimensions);
            let other = nearness("book a table at Luigi's", "weather in Oslo tomorrow", dimensions);
            assert!(shared > other + 0.1, "{shared} {other}");
            assert!((nearness("same words", "Same, words!", dimensions) - 1.0).abs() < 1e-4);
        }
    }

    #[test]
    fn every_vector_has_unit_length() {
        for text in ["a", "?!", "wörter und wörter", "x x"] {
            for dimensions in [1, 2, 3, 100, DIMENSIONS] {
                assert!((nearness(text, text, dimensions) - 1.0).abs() < 1e-4, "{text} {dimensions}");
            }
        }
    }
}
