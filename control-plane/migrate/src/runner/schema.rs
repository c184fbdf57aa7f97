//! What the catalogue says of tables and columns, and how many rows were changed, before and after.
//!
//! Tables are known by the server's own number, so a new name is no loss, and a table that was dropped and made anew is one.

use std::collections::BTreeMap;

use tokio_postgres::Transaction;

use super::{RunError, database};
use crate::narrow::narrows;

/// Columns that are compared.
const COLUMNS_MAX: usize = 200_000;

const QUERY: &str = "
SELECT c.oid::int8, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind::text,
    coalesce(a.attnum, 0)::int4, coalesce(a.attname::text, ''),
    coalesce(format_type(a.atttypid, a.atttypmod), ''), coalesce(a.attnotnull, false)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'serin')
    AND n.nspname NOT LIKE 'pg\\_t%'
LIMIT 200001";

/// Tables and sequences by number.
#[derive(Debug, Default)]
pub(super) struct Schema(BTreeMap<i64, Relation>);

#[derive(Debug)]
struct Relation {
    name: String,
    is_sequence: bool,
    columns: BTreeMap<i32, Column>,
}

#[derive(Debug)]
struct Column {
    name: String,
    kind: String,
    required: bool,
}

impl Schema {
    pub(super) async fn of(transaction: &Transaction<'_>) -> Result<Self, RunError> {
        let rows = transaction.query(QUERY, &[]).await.map_err(database)?;
        if rows.len() > COLUMNS_MAX {
            return Err(RunError::TooLarge(COLUMNS_MAX));
        }
        let mut schema = Self::default();
        for row in rows {
            schema.add(&row).map_err(database)?;
        }
        Ok(schema)
    }

    fn add(&mut self, row: &tokio_postgres::Row) -> Result<(), tokio_postgres::Error> {
        let (kind, number): (String, i32) = (row.try_get(2)?, row.try_get(3)?);
        let relation = Relation { name: row.try_get(1)?, is_sequence: kind == "S", columns: BTreeMap::new() };
        let relation = self.0.entry(row.try_get(0)?).or_insert(relation);
        if number > 0 && !relation.is_sequence {
            let column = Column { name: row.try_get(4)?, kind: row.try_get(5)?, required: row.try_get(6)? };
            relation.columns.insert(number, column);
        }
        Ok(())
    }

    /// Data that is gone, or cut, in words.
    pub(super) fn losses(&self, after: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (number, before) in &self.0 {
            let Some(now) = after.0.get(number) else {
                found.push(format!("{} is dropped", before.label()));
                continue;
            };
            for (number, column) in &before.columns {
                if !now.columns.contains_key(number) {
                    found.push(format!("column {} of {} is dropped", column.name, before.name));
                }
            }
        }
        found.extend(self.narrowed(after));
        found
    }

    /// Columns whose new type may not hold every value.
    pub(super) fn narrowed(&self, after: &Self) -> Vec<String> {
        let columns = self.columns_of_both(after).filter(|(_, old, new)| narrows(&old.kind, &new.kind));
        columns
            .map(|(table, old, new)| {
                format!("column {} of {table} becomes narrower: {} to {}", new.name, old.kind, new.kind)
            })
            .collect()
    }

    /// What is different, in words.
    pub(super) fn changes(&self, after: &Self) -> Vec<String> {
        let gone = self.losses(after).into_iter().filter(|words| words.ends_with("is dropped"));
        let mut found: Vec<String> = gone.collect();
        for (number, now) in &after.0 {
            let Some(before) = self.0.get(number) else {
                found.push(format!("{} is made", now.label()));
                continue;
            };
            if before.name != now.name {
                found.push(format!("{} becomes {}", before.label(), now.name));
            }
            let new = now.columns.iter().filter(|(number, _)| !before.columns.contains_key(*number));
            found.extend(new.map(|(_, column)| {
                format!("column {} {} is added to {}", column.name, column.kind, now.name)
            }));
        }
        for (table, old, new) in self.columns_of_both(after) {
            if old.name != new.name {
                found.push(format!("column {} of {table} becomes {}", old.name, new.name));
            }
            if old.kind != new.kind {
                found.push(format!(
                    "column {} of {table} changes from {} to {}",
                    new.name, old.kind, new.kind
                ));
            }
            if old.required != new.required {
                let verb = if new.required { "must" } else { "may" };
                let not = if new.required { " not" } else { "" };
                found.push(format!("column {} of {table} {verb}{not} be null", new.name));
            }
        }
        found
    }

    fn columns_of_both<'a>(
        &'a self,
        after: &'a Self,
    ) -> impl Iterator<Item = (&'a str, &'a Column, &'a Column)> {
        self.0.iter().flat_map(move |(number, before)| {
            let now = after.0.get(number).map(|now| &now.columns);
            before
                .columns
                .iter()
                .filter_map(move |(number, old)| Some((before.name.as_str(), old, now?.get(number)?)))
        })
    }
}

impl Relation {
    fn label(&self) -> String {
        format!("{} {}", if self.is_sequence { "sequence" } else { "table" }, self.name)
    }
}

/// Rows of tables that a transaction changed, by anything: statements, triggers, functions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rows {
    deleted: i64,
    updated: i64,
}

impl Rows {
    pub(super) async fn of(transaction: &Transaction<'_>) -> Result<Self, RunError> {
        let query = "
            SELECT coalesce(sum(n_tup_del), 0)::int8, coalesce(sum(n_tup_upd), 0)::int8
            FROM pg_stat_xact_user_tables WHERE schemaname <> 'serin'";
        let row = transaction.query_one(query, &[]).await.map_err(database)?;
        let read = |index| row.try_get(index).map_err(database);
        Ok(Self { deleted: read(0)?, updated: read(1)? })
    }

    pub(super) const fn since(self, before: &Self) -> Self {
        Self { deleted: self.deleted - before.deleted, updated: self.updated - before.updated }
    }

    pub(super) fn losses(self) -> impl Iterator<Item = String> {
        let deleted = (self.deleted > 0).then(|| format!("rows deleted: {}", self.deleted));
        let updated = (self.updated > 0).then(|| format!("rows overwritten: {}", self.updated));
        deleted.into_iter().chain(updated)
    }
}
