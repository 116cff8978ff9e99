// doctor: what is wrong with the node, why, and what to do.

#include "host/doctor.h"

#include "host/json_document.h"
#include "meshchain/commands/commands.h"
#include "meshchain/screen/terminal.h"

namespace meshchain::app {
namespace {

using host::Json;

/// 0 all is well, 1 something is not as it should be, 2 something does not work.
ExitCode exit_code_of(const host::Diagnosis& diagnosis) {
    const auto worst = diagnosis.worst();
    if (worst == host::Severity::fault) return ExitCode::usage;
    return worst == host::Severity::warning ? ExitCode::failure : ExitCode::success;
}

std::string_view mark(host::Severity severity) {
    switch (severity) {
        case host::Severity::fault: return "FAULT    ";
        case host::Severity::warning: return "WARNING  ";
        case host::Severity::note: return "note     ";
    }
    return "";
}

std::string text_of(const host::Diagnosis& diagnosis, const Context& context) {
    std::string text = "Examined " + context.data.string() + ":";
    for (const std::string& checked : diagnosis.checked) text += " " + checked;
    text += "\n\n";
    for (const host::Finding& finding : diagnosis.findings) {
        text += std::string(mark(finding.severity)) + finding.what +
                ".\n         Why: " + finding.why + ".\n";
        if (finding.severity != host::Severity::note) {
            text += "         Do:  " + finding.advice + ".\n";
        }
    }
    const auto worst = diagnosis.worst();
    if (!worst || *worst == host::Severity::note) text += "\nNothing is wrong.";
    return text;
}

Json json_of(const host::Diagnosis& diagnosis) {
    Json findings = Json::array();
    for (const host::Finding& finding : diagnosis.findings) {
        findings.push_back({{"id", finding.id},
                            {"severity", name(finding.severity)},
                            {"what", finding.what},
                            {"why", finding.why},
                            {"advice", finding.advice}});
    }
    return {{"running", diagnosis.running},
            {"healthy", exit_code_of(diagnosis) == ExitCode::success},
            {"checked", diagnosis.checked},
            {"findings", std::move(findings)}};
}

std::expected<Output, base::Error> doctor(const Context& context, bool quick) {
    Progress progress(context.json);
    progress.show("Examining " + context.data.string() + "…");
    const host::Diagnosis diagnosis = host::diagnose(context.data, {.verify_store = !quick});
    Output result = output(json_of(diagnosis), text_of(diagnosis, context));
    result.exit_code = exit_code_of(diagnosis);
    return result;
}

}  // namespace

Command doctor_command(const Context& context) {
    const auto quick = std::make_shared<bool>(false);
    return {.name = "doctor",
            .summary = "Find what is wrong with a node, running or not, and what to do",
            .examples =
                "Examples:\n  meshchain doctor --data alice\n"
                "  meshchain doctor --data alice --json\n"
                "Exit codes: 0 nothing is wrong, 1 warnings, 2 faults.",
            .options = {{"--quick", "", "do not read the whole store", quick.get()}},
            .run = [&context, quick] { return doctor(context, *quick); }};
}

}  // namespace meshchain::app
