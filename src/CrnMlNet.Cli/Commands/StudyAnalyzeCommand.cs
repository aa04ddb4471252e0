using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using CrnMlNet.Evaluation;
using CrnMlNet.Evaluation.Studies;
using CrnMlNet.Study;
using CrnMlNet.Torch.Backend;
using Spectre.Console;
using static CrnMlNet.Study.StudyNumbers;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn study analyze</c>: what the answers say.</summary>
internal static class StudyAnalyzeCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "The study's folder. The answers that 'crn study serve' saved there are read, also while it runs." };
        var mturk = new Option<string[]>("--mturk") { Description = "Results of Amazon Mechanical Turk, as its 'Download CSV' gives them, and so for each file.", HelpName = "FILE" };
        var html = new Option<string?>("--html") { Description = "Write the tables and the plot as one page that needs nothing else.", HelpName = "report.html" };
        var json = new Option<bool>("--json") { Description = "Write one JSON document to stdout instead of tables, for scripts." };
        var sideBias = new Option<bool>("--side-bias") { Description = "Let the Bradley-Terry scores allow for a preference for the left side." };
        var replicates = new Option<int>("--replicates") { Description = "How often the bootstrap resamples workers and layouts.", HelpName = "N", DefaultValueFactory = _ => StudyAnalysis.Replicates };
        var command = new Command("analyze",
            """
            Tells how often each system was preferred over each other one (the paper's Table 1, and in the timed design its Figure 4), with exact
            binomial p, Wilson's interval, a bootstrap over workers and layouts, and Bradley-Terry scores. Workers who failed the sentinels are
            left out by the rule that the study was made with.

            Examples:
              crn study analyze study --html report.html
              crn study analyze study --mturk Batch_1_results.csv --json
            """)
        {
            folder, mturk, html, json, sideBias, replicates,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(replicates) is < 0 or > 1_000_000)
                result.AddError("--replicates must be 0 to 1000000.");
        });
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(folder), parsed.GetValue(mturk) ?? [], parsed.GetValue(html), parsed.GetValue(json), parsed.GetValue(sideBias), parsed.GetValue(replicates)));
        return command;
    }

    private static int Run(string folder, string[] results, string? html, bool json, bool sideBias, int replicates)
    {
        if (html is not null)
            AtomicFile.CheckWritable(html, "--html");
        var study = PairwiseStudy.Load(folder);
        StudyAnswer[] answers = [.. AnswerStore.ReadAll(folder), .. results.SelectMany(path => MTurkTable.ReadResults(study, path))];
        if (answers.Length == 0)
            throw new InvalidDataException($"Study '{folder}' has no answers yet. Collect some with 'crn study serve {folder}', or name MTurk's results with --mturk.");
        var analysis = StudyAnalysis.Of(study, answers, sideBias, replicates);
        if (json)
            Console.WriteLine(JsonSerializer.Serialize(analysis, ScriptJson.Options));
        else
            Write(study, analysis);
        if (html is not null)
        {
            AtomicFile.Write(html, stream => stream.Write(Encoding.UTF8.GetBytes(StudyReport.ToHtml(study, analysis))));
            if (!json)
                Console.WriteLine($"Wrote {html}");
        }
        return ExitCode.Success;
    }

    private static void Write(PairwiseStudy study, StudyAnalysis analysis)
    {
        var preferences = new Table { Title = new TableTitle($"{analysis.Answers} answers of {analysis.Workers} workers; {analysis.Excluded.Count} excluded by their sentinels") };
        preferences.AddColumns("Preferred over", "Shown", "Rate", "Of", "Wilson 95%", "Bootstrap 95%", "p");
        foreach (var cell in analysis.Preferences)
        {
            preferences.AddRow(
                Markup.Escape($"{cell.System} > {cell.Over}"), Shown(cell.Milliseconds), Percent(cell.Rate), $"{cell.Answers}", Percent(cell.Wilson), Percent(cell.Bootstrap),
                P(cell.P));
        }
        AnsiConsole.Write(preferences);

        var rankings = new Table();
        rankings.AddColumns("System", "Shown", "Bradley-Terry score", "Bootstrap 95%");
        foreach (var ranking in analysis.Rankings)
        {
            foreach (var system in ranking.Systems)
            {
                rankings.AddRow(
                    Markup.Escape(system.System), Shown(ranking.Milliseconds), Score(system.Score), Score(system.Bootstrap));
            }
        }
        AnsiConsole.Write(rankings);
        Console.WriteLine(FormattableString.Invariant($"The left image was chosen {100 * analysis.LeftRate:0.0}% of the time (p {analysis.LeftP:0.000} against a half)."));
    }

    private static string Shown(int? milliseconds) => milliseconds is { } time ? $"{time} ms" : "unlimited";
}
