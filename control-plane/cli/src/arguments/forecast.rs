//! Evaluating the models of forecasts.

use std::path::PathBuf;

use clap::Subcommand;

/// Commands on forecasts.
#[derive(Debug, Subcommand)]
pub(crate) enum Forecast {
    /// Backtest every model on series of your own, without a server: errors beside naive forecasts, and how often intervals
    /// held.
    Evaluate {
        /// A CSV file with the header timestamp,value, or a folder that is searched for such files.
        #[arg(value_name = "FOLDER|FILE")]
        path: PathBuf,
        /// Steps ahead that are forecast, 1 to 288.
        #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=288))]
        horizon: u32,
        /// Leave out the model that is trained for long, the recurrent network.
        #[arg(long)]
        quick: bool,
    },
}
