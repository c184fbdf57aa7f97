//! The files for pipelines: they are valid, ask the gate as the command line wants to be asked, and do what its exit codes say. Their scripts
//! are run by `sh` with a `serin` that ends as it is told.

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use serde_json::Value;

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../integrations/gate")
    }

    fn text(name: &str) -> String {
        fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn yaml(name: &str) -> Value {
        serde_saphyr::from_str(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// A folder of its own for a script.
    fn place(name: &str) -> PathBuf {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place).unwrap();
        place
    }

    /// Runs a script with a `serin` that ends with `code`: its exit code, what it printed, and its folder.
    fn run(name: &str, script: &str, code: u8, variables: &[(&str, &str)]) -> (i32, String, PathBuf) {
        let place = place(&format!("{name}-{code}-{}", variables.len()));
        let serin = place.join("serin");
        fs::write(&serin, format!("#!/bin/sh\necho \"$@\" > asked\necho said\nexit {code}\n")).unwrap();
        fs::set_permissions(&serin, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", place.display());
        let mut command = Command::new("sh");
        // As GitHub Actions runs it: a command that fails ends the script.
        command.args(["-e", "-c", script]).current_dir(&place).env("PATH", path);
        command.env("GITHUB_OUTPUT", "outputs").env("GITHUB_STEP_SUMMARY", "summary");
        command.envs(variables.iter().copied());
        let ran = command.output().unwrap();
        let asked = fs::read_to_string(place.join("asked")).unwrap();
        assert!(asked.starts_with("gate --release ") && asked.contains(" --model "), "{name}: {asked}");
        (ran.status.code().unwrap(), String::from_utf8(ran.stdout).unwrap(), place)
    }

    #[test]
    fn the_step_of_github_actions_tells_the_decision_and_fails_when_the_gate_blocks() {
        let action = yaml("action.yml");
        let script = action["runs"]["steps"][0]["run"].as_str().unwrap();
        let files = [("RELEASE", "release.json"), ("MODEL", "model.json")];
        for (code, ends, decision) in
            [(0, 0, Some("allow")), (10, 0, Some("needs_approval")), (20, 1, Some("block")), (2, 2, None)]
        {
            let (ended, _, place) = run("action", script, code, &files);
            assert_eq!(ended, ends, "exit code {code}");
            let outputs = fs::read_to_string(place.join("outputs")).ok();
            assert_eq!(
                outputs,
                decision.map(|decision| format!("decision={decision}\n")),
                "exit code {code}"
            );
        }
        let workflow = yaml("workflow.yml");
        assert_eq!(workflow["jobs"]["approve"]["if"], "needs.gate.outputs.decision == 'needs_approval'");
        for job in ["gate", "deploy"] {
            let first = &workflow["jobs"][job]["steps"][0]["uses"];
            assert!(
                first.as_str().is_some_and(|uses| uses.starts_with("actions/checkout@")),
                "{job} reads files"
            );
        }
        assert_eq!(action["outputs"]["decision"]["value"], "${{ steps.gate.outputs.decision }}");
    }

    #[test]
    fn the_hook_of_argo_cd_lets_through_what_is_allowed_or_approved_for_this_release() {
        let job = yaml("argo-cd-presync.yaml");
        assert_eq!(job["metadata"]["annotations"]["argocd.argoproj.io/hook"], "PreSync");
        assert_eq!(job["spec"]["backoffLimit"], 0);
        let container = &job["spec"]["template"]["spec"]["containers"][0];
        let script = container["args"][0].as_str().unwrap();
        let name = ("RELEASE_NAME", "v7");
        for (code, ends) in [(0, 0), (10, 10), (20, 20), (2, 2)] {
            assert_eq!(run("presync", script, code, &[name]).0, ends, "exit code {code}");
        }
        let approved = [name, ("APPROVED_BY", "anna"), ("APPROVED_RELEASE", "v7")];
        assert_eq!(run("presync", script, 10, &approved).0, 0);
        assert_eq!(run("presync", script, 20, &approved).0, 20, "what is blocked is not approved");
        let other = [name, ("APPROVED_BY", "anna"), ("APPROVED_RELEASE", "v6"), ("X", "")];
        assert_eq!(run("presync", script, 10, &other).0, 10, "an approval counts for its own release");
    }

    #[test]
    fn the_stages_of_spinnaker_ask_for_a_judgment_only_where_one_is_needed() {
        let pipeline = yaml("spinnaker.yaml");
        let (job, judgment) = (&pipeline["stages"][0], &pipeline["stages"][1]);
        let container = &job["manifest"]["spec"]["template"]["spec"]["containers"][0];
        assert_eq!((&job["propertyFile"], &container["name"]), (&"gate".into(), &"gate".into()));
        let script = container["args"][0].as_str().unwrap();
        for (code, ends, says) in [(0, 0, "=allow"), (10, 0, "=needs_approval"), (20, 20, ""), (4, 4, "")] {
            let (ended, printed, _) = run("spinnaker", script, code, &[]);
            assert_eq!(ended, ends, "exit code {code}");
            let property = printed.lines().find_map(|line| line.strip_prefix("SPINNAKER_PROPERTY_DECISION"));
            assert_eq!(property.unwrap_or_default(), says, "exit code {code}");
        }
        let when = judgment["stageEnabled"]["expression"].as_str().unwrap();
        assert!(when.contains(&format!("#stage('{}')", job["name"].as_str().unwrap())), "{when}");
        assert_eq!(judgment["requisiteStageRefIds"][0], job["refId"]);
    }

    #[test]
    fn the_webhook_of_spinnaker_asks_a_server_and_ends_where_the_gate_blocks() {
        let pipeline = yaml("spinnaker-webhook.yaml");
        let (webhook, judgment) = (&pipeline["stages"][0], &pipeline["stages"][1]);
        assert_eq!((&webhook["type"], &webhook["method"]), (&"webhook".into(), &"POST".into()));
        assert!(webhook["url"].as_str().unwrap().ends_with("/api/gate"), "{webhook}");
        assert!(webhook["failFastStatusCodes"].as_array().unwrap().contains(&409.into()), "{webhook}");
        let when = judgment["stageEnabled"]["expression"].as_str().unwrap();
        let asked = format!(
            "#stage('{}')['context']['webhook']['body']['decision']",
            webhook["name"].as_str().unwrap()
        );
        assert_eq!(when, format!("${{ {asked} == 'needs_approval' }}"));
        assert_eq!(judgment["requisiteStageRefIds"][0], webhook["refId"]);
    }

    #[test]
    fn the_steps_of_argo_workflows_stop_at_all_but_0_and_10() {
        let template = yaml("argo-workflow.yaml");
        let templates = template["spec"]["templates"].as_array().unwrap();
        let of = |name: &str| templates.iter().find(|one| one["name"] == name).unwrap();
        let steps = of("release")["steps"].as_array().unwrap();
        let names: Vec<&str> = steps.iter().map(|step| step[0]["template"].as_str().unwrap()).collect();
        assert_eq!(names, ["gate", "stop", "approve", "roll-out"]);
        names.iter().for_each(|name| assert!(of(name).is_object()));
        // `when` is a comparison of numbers: what it says for each exit code.
        for (code, stops, asks) in [(0, false, false), (10, false, true), (20, true, false), (1, true, false)]
        {
            let holds = |when: &str| {
                when.replace("{{steps.gate.exitCode}}", &code.to_string()).split("&&").all(|part| {
                    let part = part.trim();
                    match (part.split_once(" == "), part.split_once(" != ")) {
                        (Some((one, other)), _) => one == other,
                        (_, Some((one, other))) => one != other,
                        _ => panic!("{when}"),
                    }
                })
            };
            assert_eq!(holds(steps[1][0]["when"].as_str().unwrap()), stops, "exit code {code}");
            assert_eq!(holds(steps[2][0]["when"].as_str().unwrap()), asks, "exit code {code}");
        }
        let arguments: Vec<&str> =
            of("gate")["container"]["args"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(arguments, ["gate", "--release", "/facts/release.json", "--model", "/model/model.json"]);
    }

    #[test]
    fn the_pipeline_of_jenkins_tells_10_from_other_codes() {
        let pipeline = text("Jenkinsfile");
        assert_eq!(pipeline.matches('{').count(), pipeline.matches('}').count());
        for part in [
            "serin gate --release release.json --model model.json",
            "code == 10",
            "input message",
            "code != 0",
        ] {
            assert!(pipeline.contains(part), "{part}");
        }
    }
}
