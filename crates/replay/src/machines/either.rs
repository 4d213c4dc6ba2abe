//! How a `Result` stands in a journal: `{"ok":..}` or `{"err":..}`, in small letters as everything else there.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Either<T, E> {
    Ok(T),
    Err(E),
}

pub(crate) fn serialize<T: Serialize, E: Serialize, S: Serializer>(
    result: &Result<T, E>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match result {
        Ok(value) => Either::Ok(value),
        Err(error) => Either::Err(error),
    }
    .serialize(serializer)
}

pub(crate) fn deserialize<'de, T, E, D>(deserializer: D) -> Result<Result<T, E>, D::Error>
where
    T: Deserialize<'de>,
    E: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(match Either::deserialize(deserializer)? {
        Either::Ok(value) => Ok(value),
        Either::Err(error) => Err(error),
    })
}
