//! Values of functions without a type of ours, which are those of WASI that are refused.

use std::borrow::Cow;

use wasmtime::component::{Type, Val};

use super::{Mismatch, Reflect, Value, mismatch};

/// A hook's answer as a value of the type that the function has.
pub(crate) fn to_val(value: Value, ty: &Type) -> Result<Val, Mismatch> {
    Ok(match (ty, value) {
        (Type::Bool, value) => Val::Bool(bool::from_value(value)?),
        (Type::S8, value) => Val::S8(signed(value, "s8")?),
        (Type::S16, value) => Val::S16(signed(value, "s16")?),
        (Type::S32, value) => Val::S32(signed(value, "s32")?),
        (Type::S64, value) => Val::S64(i64::from_value(value)?),
        (Type::U8, value) => Val::U8(u8::from_value(value)?),
        (Type::U16, value) => Val::U16(u16::from_value(value)?),
        (Type::U32, value) => Val::U32(u32::from_value(value)?),
        (Type::U64, value) => Val::U64(u64::from_value(value)?),
        (Type::Float32, Value::Float(x)) => Val::Float32(x as f32),
        (Type::Float64, Value::Float(x)) => Val::Float64(x),
        (Type::Char, Value::Text(text)) => match text.parse() {
            Ok(character) => Val::Char(character),
            Err(_) => return Err(mismatch("a char", Value::Text(text))),
        },
        (Type::String, value) => Val::String(String::from_value(value)?),
        (Type::List(list), Value::Bytes(bytes)) if matches!(list.ty(), Type::U8) => {
            Val::List(bytes.into_iter().map(Val::U8).collect())
        }
        (Type::List(list), Value::List(items)) => {
            let item = list.ty();
            let items = items.into_iter().map(|value| to_val(value, &item));
            Val::List(items.collect::<Result<_, _>>()?)
        }
        (Type::Tuple(tuple), Value::Tuple(items)) if items.len() == tuple.types().len() => {
            let items = items.into_iter().zip(tuple.types());
            let items = items.map(|(value, ty)| to_val(value, &ty));
            Val::Tuple(items.collect::<Result<_, _>>()?)
        }
        (Type::Record(record), Value::Record(found)) if found.len() == record.fields().len() => {
            let fields = found.into_iter().zip(record.fields());
            let fields = fields.map(|((name, value), field)| match name == field.name {
                true => Ok((name.into_owned(), to_val(value, &field.ty)?)),
                false => Err(mismatch("the record's field", Value::Text(name.into()))),
            });
            Val::Record(fields.collect::<Result<_, _>>()?)
        }
        (Type::Variant(variant), Value::Case(name, value)) => {
            let case = variant.cases().find(|case| case.name == name);
            let Some(case) = case else {
                return Err(mismatch("a case of the variant", Value::Case(name, value)));
            };
            Val::Variant(name.into_owned(), payload(value, case.ty.as_ref())?)
        }
        (Type::Enum(cases), Value::Case(name, None)) if cases.names().any(|it| it == name) => {
            Val::Enum(name.into_owned())
        }
        (Type::Option(_), Value::Option(None)) => Val::Option(None),
        (Type::Option(option), Value::Option(value)) => {
            Val::Option(payload(value, Some(&option.ty()))?)
        }
        (Type::Result(result), Value::Result(Ok(value))) => {
            Val::Result(Ok(payload(value, result.ok().as_ref())?))
        }
        (Type::Result(result), Value::Result(Err(value))) => {
            Val::Result(Err(payload(value, result.err().as_ref())?))
        }
        (Type::Flags(_), Value::Flags(names)) => Val::Flags(names),
        (Type::Own(_) | Type::Borrow(_), found) => {
            return Err(mismatch("a handle, which only the host makes here", found));
        }
        (_, found) => return Err(mismatch("a value of the function's type", found)),
    })
}

fn signed<T: TryFrom<i64>>(value: Value, expected: &'static str) -> Result<T, Mismatch> {
    let number = i64::from_value(value)?;
    T::try_from(number).map_err(|_| mismatch(expected, Value::Signed(number)))
}

/// What a case carries, if it carries something.
fn payload(value: Option<Box<Value>>, ty: Option<&Type>) -> Result<Option<Box<Val>>, Mismatch> {
    match (value, ty) {
        (None, None) => Ok(None),
        (Some(value), Some(ty)) => to_val(*value, ty).map(|value| Some(Box::new(value))),
        (None, Some(_)) => Err(mismatch("a case with a value", Value::Tuple(Vec::new()))),
        (Some(value), None) => Err(mismatch("a case without a value", *value)),
    }
}

/// What such a function is called with.
pub(crate) fn from_val(val: &Val) -> Value {
    let boxed = |inner: &Option<Box<Val>>| inner.as_ref().map(|inner| Box::new(from_val(inner)));
    let all = |items: &[Val]| items.iter().map(from_val).collect();
    match val {
        Val::Bool(b) => Value::Bool(*b),
        Val::S8(n) => Value::Signed((*n).into()),
        Val::S16(n) => Value::Signed((*n).into()),
        Val::S32(n) => Value::Signed((*n).into()),
        Val::S64(n) => Value::Signed(*n),
        Val::U8(n) => Value::Unsigned((*n).into()),
        Val::U16(n) => Value::Unsigned((*n).into()),
        Val::U32(n) => Value::Unsigned((*n).into()),
        Val::U64(n) => Value::Unsigned(*n),
        Val::Float32(x) => Value::Float((*x).into()),
        Val::Float64(x) => Value::Float(*x),
        Val::Char(c) => Value::Text(c.to_string()),
        Val::String(text) => Value::Text(text.clone()),
        Val::List(items) | Val::FixedLengthList(items) => Value::List(all(items)),
        Val::Tuple(items) => Value::Tuple(all(items)),
        Val::Map(pairs) => Value::List(
            pairs
                .iter()
                .map(|(k, v)| Value::Tuple(vec![from_val(k), from_val(v)]))
                .collect(),
        ),
        Val::Record(fields) => Value::Record(
            fields
                .iter()
                .map(|(name, v)| (Cow::Owned(name.clone()), from_val(v)))
                .collect(),
        ),
        Val::Variant(name, inner) => Value::Case(Cow::Owned(name.clone()), boxed(inner)),
        Val::Enum(name) => Value::Case(Cow::Owned(name.clone()), None),
        Val::Option(inner) => Value::Option(boxed(inner)),
        Val::Result(Ok(inner)) => Value::Result(Ok(boxed(inner))),
        Val::Result(Err(inner)) => Value::Result(Err(boxed(inner))),
        Val::Flags(names) => Value::Flags(names.clone()),
        // The engine keeps the number of a handle to itself here.
        Val::Resource(_) | Val::Future(_) | Val::Stream(_) | Val::ErrorContext(_) => {
            Value::Handle(u32::MAX)
        }
    }
}
