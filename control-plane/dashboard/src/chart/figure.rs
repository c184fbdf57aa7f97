//! A chart with what belongs to it: a heading, a sentence, and its numbers as a table.

use maud::{Markup, html};

use super::plot::{HEIGHT, WIDTH};

/// The numbers of a chart.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// A chart.
pub(crate) struct Figure<'a> {
    /// Identifier, unique on the page.
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    /// What it shows.
    pub(crate) sentence: String,
    /// What its lines mean.
    pub(crate) legend: Markup,
    /// What is drawn.
    pub(crate) drawing: Markup,
    /// The same as numbers.
    pub(crate) table: Table,
}

impl Figure<'_> {
    /// The figure, as a card.
    pub(crate) fn show(&self) -> Markup {
        let (title_id, sentence_id) = (format!("{}-title", self.id), format!("{}-says", self.id));
        html! {
            figure class="card" {
                figcaption {
                    h3 id=(title_id) { (self.title) }
                    p class="why" id=(sentence_id) { (self.sentence) }
                }
                (self.legend)
                svg class="chart" viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby=(title_id) aria-describedby=(sentence_id) focusable="false" {
                    (self.drawing)
                }
                (self.numbers())
            }
        }
    }

    fn numbers(&self) -> Markup {
        html! {
            details id=(format!("{}-numbers", self.id)) {
                summary { "The numbers" span class="hidden" { " of " (self.title) } }
                div class="scroll" tabindex="0" role="region" aria-label=(format!("The numbers: {}", self.title)) {
                    table {
                        thead { tr { @for head in &self.table.head { th scope="col" { (head) } } } }
                        tbody {
                            @for row in &self.table.rows {
                                tr { @for (index, cell) in row.iter().enumerate() {
                                    @if index == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                                } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// About `most` of these, evenly, with the last one.
pub(crate) fn thinned<T>(all: &[T], most: usize) -> impl Iterator<Item = &T> {
    let every = all.len().div_ceil(most.max(1)).max(1);
    let last = all.len().saturating_sub(1);
    all.iter().enumerate().filter(move |(index, _)| (last - index).is_multiple_of(every)).map(|(_, one)| one)
}
