using System.Globalization;
using System.Net;
using System.Text;
using CrnMlNet.Evaluation;
using CrnMlNet.Evaluation.Studies;
using static CrnMlNet.Study.StudyNumbers;

namespace CrnMlNet.Study;

/// <summary>A study's result as one HTML page that needs nothing else: the paper's Table 1, its Figure 4, and the numbers behind them.</summary>
public static class StudyReport
{
    private const string Head =
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Pairwise study</title>
        <style>
        :root { color-scheme: light dark; --line: #8888; --faint: #8882; }
        body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
        h2 { margin-top: 2.5rem; }
        .wide { overflow-x: auto; }
        table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
        th, td { padding: .3rem .8rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
        th:first-child, td:first-child, .name { text-align: left; }
        tbody tr:hover { background: var(--faint); }
        .note { max-width: 45rem; }
        figure { margin: 0; background: #fff; color: #222; padding: .5rem; border-radius: .5rem; }
        svg { width: 100%; height: auto; font: 14px system-ui, sans-serif; }
        .grid { stroke: #ccc; }
        .tick { fill: #444; }
        </style>
        </head>
        <body>
        <main>

        """;

    /// <summary>Writes the page.</summary>
    /// <param name="study">The study.</param>
    /// <param name="analysis">What its answers say.</param>
    /// <returns>HTML.</returns>
    public static string ToHtml(PairwiseStudy study, StudyAnalysis analysis)
    {
        ArgumentNullException.ThrowIfNull(study);
        ArgumentNullException.ThrowIfNull(analysis);
        var page = new StringBuilder(Head);
        page.Append($"<h1>{Encode(study.Question)}</h1>\n");
        page.Append($"<p>{analysis.Answers:N0} answers of {Count(analysis.Workers, "worker")}. {Excluded(study, analysis)}</p>\n");
        if (analysis.Preferences.Count == 0)
            return page.Append("<p>There is nothing to tell yet.</p>\n</main>\n</body>\n</html>\n").ToString();

        if (study.IsTimed)
        {
            page.Append("<h2>Preference by time shown</h2>\n<figure>\n").Append(PreferencePlot.Draw(analysis.Preferences)).Append("\n</figure>\n");
            Table(page, ["", .. Times(analysis).Select(time => $"{time} ms")], analysis.Preferences.GroupBy(preference => (preference.System, preference.Over)).Select(line =>
                (string[])[$"{line.Key.System} > {line.Key.Over}", .. Times(analysis).Select(time => line.FirstOrDefault(point => point.Milliseconds == time) is { } point ? Percent(point.Rate) : "")]));
        }
        else
        {
            page.Append("<h2>How often the system of the row was preferred over that of the column</h2>\n");
            string[] systems = [.. study.Systems.Where(system => analysis.Preferences.Any(preference => preference.System == system || preference.Over == system))];
            Table(page, ["", .. systems], systems.Select(row => (string[])[row, .. systems.Select(column => Rate(analysis, row, column))]));
        }

        page.Append("<h2>The numbers</h2>\n");
        Table(
            page,
            ["", .. Column(study, "shown"), "preferred", "of", "rate", "Wilson 95%", "bootstrap 95%", "p", "workers", "layouts"],
            analysis.Preferences.Select(cell => (string[])
            [
                $"{cell.System} > {cell.Over}", .. Column(study, $"{cell.Milliseconds} ms"), $"{cell.Preferred}", $"{cell.Answers}", Percent(cell.Rate),
                Percent(cell.Wilson), Percent(cell.Bootstrap), P(cell.P), $"{cell.Workers}", $"{cell.Layouts}",
            ]));
        page.Append(
            """
            <p class="note">p is the exact two-sided binomial test against no preference, for each row alone; it and Wilson's interval take answers as
            independent. The bootstrap resamples workers and layouts, as answers of one worker or about one layout are alike; where the two intervals
            differ, believe the bootstrap's, which errs on the wide side.</p>

            """);

        page.Append("<h2>All in one scale</h2>\n");
        Table(
            page,
            ["", .. Column(study, "shown"), "Bradley-Terry score", "bootstrap 95%"],
            analysis.Rankings.SelectMany(ranking => ranking.Systems.Select(system => (string[])
                [system.System, .. Column(study, $"{ranking.Milliseconds} ms"), Score(system.Score), Score(system.Bootstrap)])));
        page.Append("<p class=\"note\">Who scores 1 more is preferred 73% of the time, 2 more 88%, 3 more 95%.</p>\n");

        page.Append($"<h2>What could go wrong</h2>\n<p>The left image was chosen {Percent(analysis.LeftRate)} of the time (p {P(analysis.LeftP)} against a half).</p>\n");
        if (analysis.Shown is { } shown)
            page.Append(Invariant($"<p>Images were shown {shown.Median:+0.0;-0.0;0.0} ms longer than asked in the median, and {shown.Worst:+0.0;-0.0;0.0} ms at worst, of {shown.Answers:N0} times measured in the page.</p>\n"));
        if (analysis.Excluded.Count > 0)
        {
            Table(page, ["excluded worker", "sentinels right", "of", "answers left out"], analysis.Excluded.Select(worker => (string[])
                [worker.Worker, $"{worker.Right}", $"{worker.Sentinels}", $"{worker.Answers}"]));
        }
        return page.Append("</main>\n</body>\n</html>\n").ToString();
    }

    private static string Excluded(PairwiseStudy study, StudyAnalysis analysis) => study.HasSentinels
        ? Invariant($"{Count(analysis.Excluded.Count, "worker")} got less than {100 * study.SentinelsRight:0}% of the sentinels right, or saw none, and {(analysis.Excluded.Count == 1 ? "does" : "do")} not count; that was settled when the study was made.")
        : "There were no sentinels, so nobody is excluded.";

    private static string Rate(StudyAnalysis analysis, string row, string column)
    {
        if (analysis.Preferences.FirstOrDefault(cell => cell.System == row && cell.Over == column) is { } cell)
            return Percent(cell.Rate);
        return analysis.Preferences.FirstOrDefault(cell => cell.System == column && cell.Over == row) is { } other ? Percent(1 - other.Rate) : "";
    }

    private static int[] Times(StudyAnalysis analysis) => [.. analysis.Preferences.Select(preference => preference.Milliseconds).OfType<int>().Distinct().Order()];

    private static string[] Column(PairwiseStudy study, string cell) => study.IsTimed ? [cell] : [];

    private static void Table(StringBuilder page, string[] head, IEnumerable<string[]> rows)
    {
        page.Append("<div class=\"wide\"><table>\n<thead><tr>");
        foreach (string cell in head)
            page.Append($"<th scope=\"col\">{Encode(cell)}</th>");
        page.Append("</tr></thead>\n<tbody>\n");
        foreach (string[] row in rows)
        {
            page.Append($"<tr><th scope=\"row\">{Encode(row[0])}</th>");
            foreach (string cell in row.Skip(1))
                page.Append($"<td>{Encode(cell)}</td>");
            page.Append("</tr>\n");
        }
        page.Append("</tbody>\n</table></div>\n");
    }

    private static string Count(int count, string what) => $"{count:N0} {what}{(count == 1 ? "" : "s")}";

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
