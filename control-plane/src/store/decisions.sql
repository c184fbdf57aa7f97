-- What was decided about rollouts, and what people said of it, found without reading the whole journal.
CREATE INDEX journal_decisions ON journal (sequence) WHERE kind IN
    ('arms_stopped', 'blocks_restored', 'components_rolled_back', 'experiment_ended', 'promoted', 'rolled_back');
CREATE INDEX journal_marks ON journal (rollout_id, sequence) WHERE kind = 'decision_marked';
