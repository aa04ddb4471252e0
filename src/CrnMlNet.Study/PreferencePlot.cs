using System.Globalization;
using System.Net;
using System.Text;
using CrnMlNet.Evaluation;
using CrnMlNet.Evaluation.Studies;

namespace CrnMlNet.Study;

/// <summary>The paper's Figure 4 as SVG: how often one system is preferred over another, by how long the pair was shown.</summary>
internal static class PreferencePlot
{
    private const int Width = 720;
    private const int Height = 400;
    private const int Left = 60;
    private const int Right = 20;
    private const int Top = 16;
    private const int Bottom = 48;
    private const int LegendLine = 22;
    private const double Dodge = 4;

    // Okabe and Ito's colours, which also the colour-blind can tell apart, less those too faint for lines.
    private static readonly string[] Colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#56b4e9", "#e69f00"];

    /// <param name="preferences">Timed ones; each comparison becomes a line.</param>
    public static string Draw(IReadOnlyList<Preference> preferences)
    {
        var lines = preferences.GroupBy(preference => (preference.System, preference.Over)).ToArray();
        int[] times = [.. preferences.Select(preference => preference.Milliseconds!.Value).Distinct().Order()];
        double lowest = Math.Min(0.5, Math.Floor(preferences.Min(preference => Bounds(preference).Low) * 10) / 10);
        int height = Height + (lines.Length + 1) * LegendLine - 8;

        var svg = new StringBuilder();
        Add($"""<svg viewBox="0 0 {Width} {height}" role="img" aria-labelledby="figure-title" xmlns="http://www.w3.org/2000/svg">""");
        Add($"""<title id="figure-title">Preference rates by time shown; the numbers stand in the table below</title>""");
        for (double rate = lowest; rate < 1.01; rate += 0.1)
        {
            string dash = Math.Abs(rate - 0.5) < 0.01 ? """ stroke-dasharray="6 4" stroke-width="2" """ : " ";
            Add($"""<line class="grid" x1="{Left}" x2="{Width - Right}" y1="{Y(rate):0.0}" y2="{Y(rate):0.0}"{dash}/>""");
            Add($"""<text class="tick" x="{Left - 8}" y="{Y(rate) + 4:0.0}" text-anchor="end">{100 * rate:0}%</text>""");
        }
        foreach (int time in times)
            Add($"""<text class="tick" x="{X(time):0.0}" y="{Height - Bottom + 20}" text-anchor="middle">{time}</text>""");
        Add($"""<text class="tick" x="{(Left + Width - Right) / 2}" y="{Height - 8}" text-anchor="middle">milliseconds shown</text>""");

        for (int i = 0; i < lines.Length; i++)
        {
            string color = Colors[i % Colors.Length];
            double dodge = (i - (lines.Length - 1) / 2.0) * Dodge;
            var points = lines[i].OrderBy(preference => preference.Milliseconds).ToArray();
            Add($"""<polyline fill="none" stroke="{color}" stroke-width="2" points="{string.Join(' ', points.Select(point => Invariant($"{X(point.Milliseconds!.Value) + dodge:0.0},{Y(point.Rate):0.0}")))}"/>""");
            foreach (var point in points)
            {
                double x = X(point.Milliseconds!.Value) + dodge;
                var bounds = Bounds(point);
                Add($"""<line stroke="{color}" stroke-width="1.5" x1="{x:0.0}" x2="{x:0.0}" y1="{Y(bounds.Low):0.0}" y2="{Y(bounds.High):0.0}"/>""");
                Add($"""<circle fill="{color}" cx="{x:0.0}" cy="{Y(point.Rate):0.0}" r="4"><title>{Name(lines[i].Key)}, {point.Milliseconds} ms: {100 * point.Rate:0.0}%</title></circle>""");
            }
            int y = Height + (i + 1) * LegendLine - 8;
            Add($"""<line stroke="{color}" stroke-width="3" x1="{Left}" x2="{Left + 28}" y1="{y}" y2="{y}"/><text x="{Left + 36}" y="{y + 5}">{Name(lines[i].Key)}</text>""");
        }
        return svg.Append("</svg>").ToString();

        void Add(FormattableString element) => svg.Append(Invariant(element)).Append('\n');

        // Times double from one to the next, so that they stand at equal distances.
        double X(int time)
        {
            double span = Math.Log2((double)times[^1] / times[0]);
            return Left + 24 + (span == 0 ? 0.5 : Math.Log2((double)time / times[0]) / span) * (Width - Left - Right - 48);
        }

        double Y(double rate) => Top + (1 - rate) / (1 - lowest) * (Height - Top - Bottom);
    }

    private static Interval Bounds(Preference preference) => preference.Bootstrap ?? preference.Wilson;

    private static string Name((string System, string Over) pair) => WebUtility.HtmlEncode($"{pair.System} > {pair.Over}");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
