//! Decimal numbers of any length, as much as `addf`, `subf`, `mulf` and `divf` need.
//!
//! Source: shopspring/decimal v1.4.0

use std::cmp::Ordering;

/// Decimal digits in a limb.
const DIGITS: usize = 9;
const BASE: u64 = 1_000_000_000;

/// What division keeps after the point.
const PRECISION: i64 = 16;

/// A whole number without sign: limbs of nine digits, the lowest first, none on top that is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Natural(Vec<u64>);

impl Natural {
    fn trimmed(mut limbs: Vec<u64>) -> Self {
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        Self(limbs)
    }

    fn of_digits(digits: &str) -> Self {
        let limbs = digits.as_bytes().rchunks(DIGITS).map(|chunk| {
            chunk
                .iter()
                .fold(0, |sum, it| sum * 10 + u64::from(it - b'0'))
        });
        Self::trimmed(limbs.collect())
    }

    fn digits(&self) -> String {
        let mut limbs = self.0.iter().rev();
        let first = limbs.next().map(ToString::to_string);
        first
            .into_iter()
            .chain(limbs.map(|it| format!("{it:09}")))
            .collect()
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// Times a power of ten.
    fn shifted(&self, places: usize) -> Self {
        if self.is_zero() || places == 0 {
            return self.clone();
        }
        let mut digits = self.digits();
        digits.extend(std::iter::repeat_n('0', places));
        Self::of_digits(&digits)
    }

    fn add(&self, other: &Self) -> Self {
        let mut sum = Vec::with_capacity(self.0.len().max(other.0.len()) + 1);
        let mut carry = 0;
        for index in 0..self.0.len().max(other.0.len()) {
            let limb = |it: &Self| it.0.get(index).copied().unwrap_or(0);
            let limb = limb(self) + limb(other) + carry;
            sum.push(limb % BASE);
            carry = limb / BASE;
        }
        sum.push(carry);
        Self::trimmed(sum)
    }

    /// Minus a number that is not larger.
    fn subtract(&self, other: &Self) -> Self {
        let mut borrow = 0;
        let limbs = self.0.iter().enumerate().map(|(index, limb)| {
            let taken = other.0.get(index).copied().unwrap_or(0) + borrow;
            borrow = u64::from(*limb < taken);
            limb + borrow * BASE - taken
        });
        Self::trimmed(limbs.collect())
    }

    fn multiply(&self, other: &Self) -> Self {
        let mut product = vec![0; self.0.len() + other.0.len() + 1];
        for (at, left) in self.0.iter().enumerate() {
            let mut carry = 0;
            for (index, right) in other.0.iter().enumerate() {
                let limb: u64 = product[at + index] + left * right + carry;
                product[at + index] = limb % BASE;
                carry = limb / BASE;
            }
            product[at + other.0.len()] += carry;
        }
        Self::trimmed(product)
    }

    /// The quotient and the remainder of a divisor that is not 0, limb by limb.
    fn divide(&self, divisor: &Self) -> (Self, Self) {
        let mut quotient = vec![0; self.0.len()];
        let mut rest = Self::default();
        for index in (0..self.0.len()).rev() {
            rest.0.insert(0, self.0[index]);
            rest = Self::trimmed(rest.0);
            let (mut low, mut high) = (0, BASE - 1);
            while low < high {
                let middle = (low + high).div_ceil(2);
                let product = divisor.multiply(&Self::trimmed(vec![middle]));
                if product.order(&rest) == Ordering::Greater {
                    high = middle - 1;
                } else {
                    low = middle;
                }
            }
            quotient[index] = low;
            rest = rest.subtract(&divisor.multiply(&Self::trimmed(vec![low])));
        }
        (Self::trimmed(quotient), rest)
    }

    fn order(&self, other: &Self) -> Ordering {
        let lengths = self.0.len().cmp(&other.0.len());
        lengths.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

/// A number: a whole one times a power of ten.
#[derive(Clone, Debug, Default)]
pub(super) struct Decimal {
    negative: bool,
    value: Natural,
    exponent: i64,
}

impl Decimal {
    /// The shortest decimal number that reads as the float; none for what is no number or infinite.
    pub(super) fn of(float: f64) -> Option<Self> {
        if !float.is_finite() {
            return None;
        }
        let text = format!("{:e}", float.abs());
        let (mantissa, exponent) = text.split_once('e')?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        Some(Self {
            negative: float < 0.0,
            value: Natural::of_digits(&format!("{whole}{fraction}")),
            exponent: exponent.parse::<i64>().ok()? - fraction.len() as i64,
        })
    }

    /// How long it is, for the budget.
    pub(super) fn cost(&self) -> u64 {
        self.value.0.len() as u64 + 1
    }

    /// The nearest float.
    pub(super) fn to_f64(&self) -> f64 {
        let sign = if self.negative { "-" } else { "" };
        let digits = self.value.digits();
        if digits.is_empty() {
            return 0.0;
        }
        let text = format!("{sign}{digits}e{}", self.exponent);
        text.parse().unwrap_or(0.0)
    }

    /// Both values under the smaller of both exponents.
    fn aligned(&self, other: &Self) -> (Natural, Natural, i64) {
        let exponent = self.exponent.min(other.exponent);
        let places = |it: &Self| usize::try_from(it.exponent - exponent).unwrap_or(0);
        let value = |it: &Self| it.value.shifted(places(it));
        (value(self), value(other), exponent)
    }

    pub(super) fn add(&self, other: &Self) -> Self {
        let (one, two, exponent) = self.aligned(other);
        let (negative, value) = if self.negative == other.negative {
            (self.negative, one.add(&two))
        } else if one.order(&two) == Ordering::Less {
            (other.negative, two.subtract(&one))
        } else {
            (self.negative, one.subtract(&two))
        };
        Self {
            negative: negative && !value.is_zero(),
            value,
            exponent,
        }
    }

    pub(super) fn subtract(&self, other: &Self) -> Self {
        let negative = !other.negative && !other.value.is_zero();
        let other = Self {
            negative,
            ..other.clone()
        };
        self.add(&other)
    }

    pub(super) fn multiply(&self, other: &Self) -> Self {
        let value = self.value.multiply(&other.value);
        Self {
            negative: self.negative != other.negative && !value.is_zero(),
            value,
            exponent: self.exponent + other.exponent,
        }
    }

    /// The quotient to 16 places after the point, halves away from zero; none for a divisor of 0.
    pub(super) fn divide(&self, other: &Self) -> Option<Self> {
        if other.value.is_zero() {
            return None;
        }
        let places = self.exponent - other.exponent + PRECISION;
        let by = usize::try_from(places.unsigned_abs()).ok()?;
        let (dividend, divisor) = if places >= 0 {
            (self.value.shifted(by), other.value.clone())
        } else {
            (self.value.clone(), other.value.shifted(by))
        };
        let (mut value, rest) = dividend.divide(&divisor);
        if rest.add(&rest).order(&divisor) != Ordering::Less {
            value = value.add(&Natural(vec![1]));
        }
        Some(Self {
            negative: self.negative != other.negative && !value.is_zero(),
            value,
            exponent: -PRECISION,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(float: f64) -> Decimal {
        Decimal::of(float).unwrap()
    }

    #[test]
    fn tenths_add_up() {
        assert_eq!(of(0.1).add(&of(0.2)).to_f64(), 0.3);
        assert_eq!(
            of(1e300).add(&of(-1e-300)).subtract(&of(1e300)).to_f64(),
            -1e-300
        );
        assert_eq!(of(1.5).multiply(&of(-3.0)).to_f64(), -4.5);
    }

    #[test]
    fn quotients_have_sixteen_places() {
        let divide = |one: f64, two: f64| of(one).divide(&of(two)).map(|it| it.to_f64());
        assert_eq!(divide(1.0, 3.0), Some(0.3333333333333333));
        assert_eq!(divide(-2.0, 3.0), Some(-0.6666666666666667));
        assert_eq!(divide(1e-20, 3.0), Some(0.0));
        assert_eq!(divide(1e21, 8.0), Some(1.25e20));
        assert_eq!(divide(1.0, 0.0), None);
    }
}
