//! Apache Parquet: flat columns of numbers, words, yes and no, dates and instants, in any compression that is usual.
//!
//! A place in it is the row as line and the number of the column. Lists, maps and groups are refused by their name, because a
//! deployment has one value in a column. What a file says of its size is checked before any of it is unpacked.

use std::panic::{self, AssertUnwindSafe};

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::builder::Builder;
use super::cell::Cell;
use super::{BYTES_MAX, Place, ROWS_MAX, TableError};

/// What every Parquet file begins with.
pub(super) const MAGIC: &[u8] = b"PAR1";
/// Rows that are unpacked at once.
const BATCH: usize = 1_024;
const DAY_S: f64 = 86_400.0;
/// What a nested column, or one of another type, is told.
const RULE: &str = "is of a type that is neither a number, words, yes or no, a date nor an instant";

/// The reader of Parquet gives up on some damaged files by a panic: that is an error as any other.
pub(super) fn read(bytes: Bytes, builder: &mut Builder<'_>) -> Result<(), TableError> {
    panic::catch_unwind(AssertUnwindSafe(|| unpack(bytes, builder)))
        .unwrap_or_else(|_| Err(TableError::Parquet { rule: "is damaged".to_owned() }))
}

fn unpack(bytes: Bytes, builder: &mut Builder<'_>) -> Result<(), TableError> {
    let file = SerializedFileReader::new(bytes).map_err(damaged)?;
    let columns = columns(&file, builder)?;
    let mut unpacked = 0_u64;
    let mut before = 0_usize;
    for number in 0..file.num_row_groups() {
        let group = file.get_row_group(number).map_err(damaged)?;
        unpacked =
            unpacked.saturating_add(u64::try_from(group.metadata().total_byte_size()).unwrap_or(u64::MAX));
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(usize::MAX);
        if unpacked > BYTES_MAX as u64 {
            return Err(TableError::TooLarge);
        }
        if before.saturating_add(rows) > ROWS_MAX {
            return Err(TableError::Rows { place: Place { line: ROWS_MAX + 1, column: 1 } });
        }
        if group
            .metadata()
            .columns()
            .iter()
            .any(|chunk| chunk.data_page_offset() < 0 || chunk.compressed_size() < 0)
        {
            return Err(TableError::Parquet { rule: "a column begins or ends before the file".to_owned() });
        }
        for column in &columns {
            column.fill(group.as_ref(), rows, before, builder)?;
        }
        before += rows;
        builder.end_rows(rows);
    }
    Ok(())
}

fn damaged(error: ParquetError) -> TableError {
    TableError::Parquet { rule: error.to_string().trim_start_matches("Parquet error: ").to_owned() }
}

fn columns(file: &SerializedFileReader<Bytes>, builder: &mut Builder<'_>) -> Result<Vec<Source>, TableError> {
    let schema = file.metadata().file_metadata().schema_descr();
    let mut columns = Vec::new();
    for (index, descriptor) in schema.columns().iter().enumerate() {
        let place = Place { line: 1, column: index + 1 };
        let name = descriptor.path().string();
        // A nested column is left out by its own name, whatever is below.
        let parts = descriptor.path().parts();
        let whole = parts.first().map_or(name.as_str(), String::as_str);
        if builder.ignores(whole) {
            if builder.position(whole).is_none() {
                builder.column(whole, place)?;
            }
            continue;
        }
        let meaning = Meaning::of(descriptor).filter(|_| descriptor.path().parts().len() == 1);
        let Some(meaning) = meaning.filter(|_| descriptor.max_rep_level() == 0) else {
            return Err(TableError::Value { place, column: name, rule: RULE });
        };
        let position = builder.column(&name, place)?;
        columns.push(Source { index, position, name, meaning, present: descriptor.max_def_level() });
    }
    Ok(columns)
}

/// What the values of a column say.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Meaning {
    /// A number once it is divided by this: a plain one by 1, a decimal by its scale.
    Number { divisor: f64 },
    /// A whole number without a sign.
    Unsigned,
    /// UTF-8.
    Words,
    /// So many of it are a second since the Unix epoch; for a day, less than one.
    Since { per_second: f64 },
}

impl Meaning {
    /// `None`: none that a table has.
    fn of(descriptor: &ColumnDescriptor) -> Option<Self> {
        let plain = Self::Number { divisor: 1.0 };
        let Some(logical) = descriptor.logical_type_ref() else {
            return Self::converted(descriptor);
        };
        match logical {
            LogicalType::String | LogicalType::Enum | LogicalType::Json => Some(Self::Words),
            LogicalType::Decimal(decimal) => Some(Self::Number { divisor: 10_f64.powi(decimal.scale) }),
            LogicalType::Date => Some(Self::Since { per_second: 1.0 / DAY_S }),
            LogicalType::Timestamp(instant) => {
                let per_second = match instant.unit {
                    TimeUnit::MILLIS => 1e3,
                    TimeUnit::MICROS => 1e6,
                    TimeUnit::NANOS => 1e9,
                };
                Some(Self::Since { per_second })
            }
            LogicalType::Integer(integer) if !integer.is_signed => Some(Self::Unsigned),
            LogicalType::Integer(_) => Some(plain),
            // Null columns of pandas.
            LogicalType::Unknown => Some(plain),
            LogicalType::Map
            | LogicalType::List
            | LogicalType::Time(_)
            | LogicalType::Bson
            | LogicalType::Uuid
            | LogicalType::Float16
            | LogicalType::Variant(_)
            | LogicalType::Geometry(_)
            | LogicalType::Geography(_)
            | LogicalType::File
            | LogicalType::_Unknown { .. } => None,
        }
    }

    /// What files of before the logical types say.
    fn converted(descriptor: &ColumnDescriptor) -> Option<Self> {
        let per_second = |per_second| Some(Self::Since { per_second });
        match descriptor.converted_type() {
            ConvertedType::NONE
            | ConvertedType::INT_8
            | ConvertedType::INT_16
            | ConvertedType::INT_32
            | ConvertedType::INT_64 => Some(Self::Number { divisor: 1.0 }),
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64 => Some(Self::Unsigned),
            ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON => Some(Self::Words),
            ConvertedType::DECIMAL => Some(Self::Number { divisor: 10_f64.powi(descriptor.type_scale()) }),
            ConvertedType::DATE => per_second(1.0 / DAY_S),
            ConvertedType::TIMESTAMP_MILLIS => per_second(1e3),
            ConvertedType::TIMESTAMP_MICROS => per_second(1e6),
            ConvertedType::MAP
            | ConvertedType::MAP_KEY_VALUE
            | ConvertedType::LIST
            | ConvertedType::TIME_MILLIS
            | ConvertedType::TIME_MICROS
            | ConvertedType::BSON
            | ConvertedType::INTERVAL => None,
        }
    }

    fn of_number(self, number: f64) -> Cell<'static> {
        match self {
            _ if number.is_nan() => Cell::Missing,
            Self::Number { divisor } => Cell::Number(number / divisor),
            Self::Unsigned | Self::Words => Cell::Number(number),
            Self::Since { per_second } => Cell::Instant(number / per_second),
        }
    }

    fn of_i32(self, number: i32) -> Cell<'static> {
        let unsigned = matches!(self, Self::Unsigned);
        self.of_number(if unsigned { f64::from(number.cast_unsigned()) } else { f64::from(number) })
    }

    fn of_i64(self, number: i64) -> Cell<'static> {
        let unsigned = matches!(self, Self::Unsigned);
        self.of_number(if unsigned { number.cast_unsigned() as f64 } else { number as f64 })
    }

    /// `None`: text that is not UTF-8. Bytes that are declared to be nothing else are taken as text.
    fn of_bytes(self, bytes: &ByteArray) -> Option<Cell<'_>> {
        match self {
            Self::Number { divisor } if divisor != 1.0 => Some(self.of_number(big_endian(bytes.data()))),
            Self::Number { .. } | Self::Unsigned | Self::Words | Self::Since { .. } => {
                std::str::from_utf8(bytes.data()).ok().map(Cell::of)
            }
        }
    }
}

/// A whole number in two's complement, the highest byte first, as decimals are kept.
fn big_endian(bytes: &[u8]) -> f64 {
    let [first, rest @ ..] = bytes else { return 0.0 };
    rest.iter().fold(f64::from(first.cast_signed()), |number, byte| number * 256.0 + f64::from(*byte))
}

/// A column of the file, and where its values go.
struct Source {
    index: usize,
    position: usize,
    name: String,
    meaning: Meaning,
    /// Definition level of a value that is there.
    present: i16,
}

impl Source {
    fn fill(
        &self,
        group: &dyn RowGroupReader,
        rows: usize,
        before: usize,
        builder: &mut Builder<'_>,
    ) -> Result<(), TableError> {
        let place = |row: usize| Place { line: before + row + 1, column: self.index + 1 };
        let refused =
            |row| TableError::Value { place: place(row), column: self.name.clone(), rule: "is not UTF-8" };
        let mut put = |row, cell: Cell<'_>| builder.put(self.position, cell, &|| place(row));
        let number = |cell: Option<Cell<'static>>| cell.unwrap_or(Cell::Missing);
        let mut of_bytes = |row, bytes: Option<&ByteArray>| {
            let Some(bytes) = bytes else { return put(row, Cell::Missing) };
            put(row, self.meaning.of_bytes(bytes).ok_or_else(|| refused(row))?)
        };
        match group.get_column_reader(self.index).map_err(damaged)? {
            ColumnReader::ByteArrayColumnReader(mut reader) => self.each(&mut reader, rows, of_bytes),
            ColumnReader::FixedLenByteArrayColumnReader(mut reader) => {
                self.each(&mut reader, rows, |row, value| of_bytes(row, value.map(|bytes| &**bytes)))
            }
            ColumnReader::BoolColumnReader(mut reader) => {
                self.each(&mut reader, rows, |row, value| put(row, number(value.map(|yes| Cell::Yes(*yes)))))
            }
            ColumnReader::Int32ColumnReader(mut reader) => self.each(&mut reader, rows, |row, value| {
                put(row, number(value.map(|value| self.meaning.of_i32(*value))))
            }),
            ColumnReader::Int64ColumnReader(mut reader) => self.each(&mut reader, rows, |row, value| {
                put(row, number(value.map(|value| self.meaning.of_i64(*value))))
            }),
            ColumnReader::Int96ColumnReader(mut reader) => self.each(&mut reader, rows, |row, value| {
                put(row, number(value.map(|value| Cell::Instant(value.to_millis() as f64 / 1e3))))
            }),
            ColumnReader::FloatColumnReader(mut reader) => self.each(&mut reader, rows, |row, value| {
                put(row, number(value.map(|value| self.meaning.of_number(f64::from(*value)))))
            }),
            ColumnReader::DoubleColumnReader(mut reader) => self.each(&mut reader, rows, |row, value| {
                put(row, number(value.map(|value| self.meaning.of_number(*value))))
            }),
        }
    }

    /// Gives `put` the value of every row, `None` where it is missing.
    fn each<T: DataType>(
        &self,
        reader: &mut ColumnReaderImpl<T>,
        rows: usize,
        mut put: impl FnMut(usize, Option<&T::T>) -> Result<(), TableError>,
    ) -> Result<(), TableError> {
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let mut row = 0;
        while row < rows {
            levels.clear();
            values.clear();
            let most = BATCH.min(rows - row);
            let (records, ..) =
                reader.read_records(most, Some(&mut levels), None, &mut values).map_err(damaged)?;
            if records == 0 {
                return Err(TableError::Parquet {
                    rule: format!("{}: has fewer values than rows", self.name),
                });
            }
            let mut given = values.iter();
            for position in 0..records {
                let is_there = levels.get(position).is_none_or(|level| *level == self.present);
                put(row + position, if is_there { given.next() } else { None })?;
            }
            row += records;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
