//! Upright bars, one for each stretch of time.

use maud::Markup;
use maud::html;

use super::plot::marks;
use super::{Figure, Plot, Table, Tick};
use crate::words;

/// What a chart of bars shows.
pub(crate) struct Bars<'a> {
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    pub(crate) sentence: String,
    pub(crate) unit: &'a str,
    /// What each bar stands for.
    pub(crate) over: &'a str,
    /// Label and value of each; `None`: there is none.
    pub(crate) bars: &'a [(String, Option<f64>)],
    /// A value in words.
    pub(crate) shown: &'a dyn Fn(f64) -> String,
}

impl Bars<'_> {
    /// The figure.
    pub(crate) fn show(&self) -> Markup {
        let highest = self.bars.iter().filter_map(|bar| bar.1).fold(1.0, f64::max);
        let count = self.bars.len().max(1) as f64;
        let plot = Plot::new((0.0, count), (0.0, highest));
        let label = |(index, bar): (usize, &(String, Option<f64>))| (index as f64 + 0.5, bar.0.clone());
        let x_ticks: Vec<Tick> = self.bars.iter().enumerate().map(label).collect();
        let width = ((plot.x.at(1.0) - plot.x.at(0.0)) * 0.7).max(2.0);
        let drawing = html! {
            (plot.frame((&x_ticks, self.over), (&marks(0.0, highest, words::number), self.unit)))
            @for (index, (_, value)) in self.bars.iter().enumerate() {
                @if let Some(value) = value {
                    @let top = plot.y.at(*value).round();
                    rect class="bar plain" x=((plot.x.at(index as f64 + 0.5) - width / 2.0).round()) y=(top) width=(width.round()) height=(Plot::base() - top) {}
                }
            }
        };
        let row = |bar: &(String, Option<f64>)| {
            vec![bar.0.clone(), bar.1.map_or_else(|| "–".to_owned(), self.shown)]
        };
        let figure = Figure {
            id: self.id,
            title: self.title,
            sentence: self.sentence.clone(),
            legend: html! {},
            drawing,
            table: Table {
                head: vec![self.over.to_owned(), self.unit.to_owned()],
                rows: self.bars.iter().map(row).collect(),
            },
        };
        figure.show()
    }
}
