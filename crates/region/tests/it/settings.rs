//! Where settings come from, and which place wins.

use crate::{
    fake::{refusal, refused, serve},
    process::Home,
};

#[test]
fn a_flag_wins_over_a_variable_and_a_variable_over_the_file() {
    let settings = "region = \"eu-de\"\nlisten = \"127.0.0.1:0\"\ncompute = \"fake\"\n";
    let started = |variable: Option<&str>, flag: &[&str]| {
        let home = Home::new();
        std::fs::create_dir(home.data()).unwrap();
        std::fs::write(home.data().join("ectype.toml"), settings).unwrap();
        let mut command = home.command(&[&["serve"], flag].concat());
        if let Some(region) = variable {
            command.env("ECTYPE_REGION", region);
        }
        let server = home.serve_as(command);
        let line = server.line.clone();
        server.terminate();
        line
    };
    let says = |line: &str, region: &str| line.contains(&format!("region {region} is ready"));
    assert!(says(&started(None, &[]), "eu-de"));
    assert!(says(&started(Some("eu-gb"), &[]), "eu-gb"));
    assert!(says(&started(Some("eu-gb"), &["--region", "au-syd"]), "au-syd"));
}

#[test]
fn a_settings_file_that_is_wrong_is_named_before_anything_is_made() {
    let home = Home::new();
    let file = home.path("settings.toml");
    for text in ["colour = 1", "compute = \"xen\"", "listen = [", "region = \"Nowhere At All\""] {
        std::fs::write(&file, text).unwrap();
        let words = ["serve", "--config", file.to_str().unwrap()];
        let said = refusal(&mut home.command(&words));
        assert!(said.contains("settings.toml") || said.contains("region"), "{text}: {said}");
    }
    assert!(!home.data().exists());
}

#[test]
fn a_region_keeps_its_name() {
    let home = Home::new();
    serve(&home, &["--region", "eu-de"]).terminate();
    let said = refused(&home, &[]);
    assert!(said.contains("is the region eu-de") && said.contains("--region eu-de"), "{said}");
    serve(&home, &["--region", "eu-de"]).terminate();
}
