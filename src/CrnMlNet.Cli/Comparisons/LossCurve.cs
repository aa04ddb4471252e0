using System.Globalization;
using System.Text;

namespace CrnMlNet.Cli.Comparisons;

/// <summary>A loss, epoch by epoch, as a small SVG picture with a logarithmic scale where the losses allow it.</summary>
internal static class LossCurve
{
    private const int Width = 260;
    private const int Height = 120;
    private const int Left = 46;
    private const int Bottom = 18;
    private const int Margin = 6;

    public static string Svg(IReadOnlyList<double> losses)
    {
        var finite = losses.Where(double.IsFinite).ToArray();
        if (finite.Length == 0)
            return "<p>No epoch was finished.</p>";
        bool logarithmic = finite.Min() > 0;
        double Scale(double loss) => logarithmic ? Math.Log(loss) : loss;
        double low = Scale(finite.Min()), high = Scale(finite.Max());
        double range = high > low ? high - low : 1;
        double X(int epoch) => Left + ((Width - Left - Margin) * (losses.Count == 1 ? 0.5 : epoch / (losses.Count - 1.0)));
        double Y(double loss) => Margin + ((Height - Bottom - Margin) * (high - Scale(loss)) / range);

        var points = new StringBuilder();
        for (int epoch = 0; epoch < losses.Count; epoch++)
        {
            if (double.IsFinite(losses[epoch]))
                points.Append(CultureInfo.InvariantCulture, $"{X(epoch):0.0},{Y(losses[epoch]):0.0} ");
        }
        return FormattableString.Invariant($"""
            <svg viewBox="0 0 {Width} {Height}" role="img" aria-label="Loss from {losses[0]:0.###} to {losses[^1]:0.###} in {losses.Count} epochs">
            <path class="axis" d="M{Left} {Margin}V{Height - Bottom}H{Width - Margin}"/>
            <text x="{Left - 4}" y="{Margin + 8}" text-anchor="end">{finite.Max():G4}</text><text x="{Left - 4}" y="{Height - Bottom}" text-anchor="end">{finite.Min():G4}</text>
            <text x="{Left}" y="{Height - 4}">1</text><text x="{Width - Margin}" y="{Height - 4}" text-anchor="end">{losses.Count}</text>
            <polyline class="curve" points="{points}"/>{(losses.Count == 1 ? FormattableString.Invariant($"<circle class=\"dot\" cx=\"{X(0):0.0}\" cy=\"{Y(losses[0]):0.0}\" r=\"3\"/>") : "")}</svg>
            """);
    }
}
