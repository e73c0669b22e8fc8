//! The number in front and the unit behind it.

use super::UnitError;

/// Most fractional digits of a number; nanoseconds need nine.
const MAX_FRACTION_DIGITS: usize = 9;

/// Most digits before the point. Keeps `number × unit` inside `u128` with room to spare.
const MAX_WHOLE_DIGITS: usize = 20;

/// `mantissa / 10^scale`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal {
    pub(crate) mantissa: u128,
    pub(crate) scale: u32,
}

impl Decimal {
    /// `self × factor`, when that is a whole number.
    pub(crate) fn times(self, factor: u128) -> Option<u128> {
        let product = self.mantissa.checked_mul(factor)?;
        let divisor = 10_u128.pow(self.scale);
        (product % divisor == 0).then_some(product / divisor)
    }
}

/// Splits `1.5 KiB` into the number and the unit.
pub(crate) fn split_number<'a>(
    text: &'a str,
    what: &'static str,
    example: &'static str,
) -> Result<(Decimal, &'a str), UnitError> {
    let trimmed = text.trim();
    let end = trimmed
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(trimmed.len());
    let (digits, unit) = trimmed.split_at(end);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let no_number = || UnitError::NoNumber {
        text: text.to_owned(),
        what,
        example,
    };
    if whole.is_empty() || digits.ends_with('.') || fraction.contains('.') {
        return Err(no_number());
    }
    if whole.len() > MAX_WHOLE_DIGITS || fraction.len() > MAX_FRACTION_DIGITS {
        let limit = "it must have at most 20 digits before the point and 9 behind";
        return Err(UnitError::OutOfRange {
            text: text.to_owned(),
            what,
            limit,
        });
    }
    let fraction = fraction.trim_end_matches('0');
    let mantissa = format!("{whole}{fraction}").parse().map_err(|_| no_number())?;
    let scale = u32::try_from(fraction.len()).map_err(|_| no_number())?;
    Ok((Decimal { mantissa, scale }, unit.trim()))
}

pub(crate) fn find_unit<T: Copy>(
    units: &[(&str, T)],
    unit: &str,
    text: &str,
    what: &'static str,
    example: &'static str,
) -> Result<T, UnitError> {
    let known = || units.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    units
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))
        .map(|(_, value)| *value)
        .ok_or_else(|| UnitError::UnknownUnit {
            unit: unit.to_owned(),
            text: text.to_owned(),
            what,
            known: known(),
            example,
        })
}
