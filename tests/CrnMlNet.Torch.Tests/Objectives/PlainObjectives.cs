using CrnMlNet.Torch.Tests.Networks;

namespace CrnMlNet.Torch.Tests.Objectives;

/// <summary>
/// The paper's equations for one photo in double precision, as plain loops: written from the paper, and from the authors'
/// GTA_Diversity_256p.py for what it divides by and for the mean's share. Layers are the image and what a function makes of it.
/// </summary>
internal static class PlainObjectives
{
    public static double Eq1(Maps image, Maps photo, Func<Maps, Maps[]> perceive, double[] lambda)
    {
        var (real, fake) = (Layers(photo, perceive), Layers(image, perceive));
        return lambda.Select((weight, l) => weight * real[l].Values.Zip(fake[l].Values, (a, b) => Math.Abs(a - b)).Average()).Sum();
    }

    public static double Eq2(Maps[] images, Maps photo, Func<Maps, Maps[]> perceive, double[] lambda) =>
        MostlyMinimum([.. images.Select(image => Eq1(image, photo, perceive, lambda))]);

    public static double Eq3(Maps[] images, Maps layout, Maps photo, Func<Maps, Maps[]> perceive, double[] lambda)
    {
        var real = Layers(photo, perceive);
        double sum = 0;
        for (int p = 0; p < layout.Channels; p++)
        {
            int channel = p;
            sum += MostlyMinimum([.. images.Select(image =>
            {
                var fake = Layers(image, perceive);
                return lambda.Select((weight, l) => weight * Masked(layout, channel, real[l], fake[l])).Sum();
            })]);
        }
        return sum;
    }

    private static Maps[] Layers(Maps image, Func<Maps, Maps[]> perceive) => [image, .. perceive(image)];

    private static double MostlyMinimum(double[] losses) => 0.999 * losses.Min() + 0.001 * losses.Average();

    /// <summary>compute_error: the mean over places of the mask times the mean over maps of the difference.</summary>
    private static double Masked(Maps layout, int channel, Maps real, Maps fake)
    {
        double sum = 0;
        for (int y = 0; y < real.Rows; y++)
            for (int x = 0; x < real.Columns; x++)
            {
                double difference = 0;
                for (int j = 0; j < real.Channels; j++)
                    difference += Math.Abs(real[j, y, x] - fake[j, y, x]);
                sum += Share(layout, channel, y, x, real.Rows, real.Columns) * difference / real.Channels;
            }
        return sum / (real.Rows * real.Columns);
    }

    /// <summary>The share of the pixels that a cell touches.</summary>
    private static double Share(Maps layout, int channel, int row, int column, int rows, int columns)
    {
        double sum = 0, pixels = 0;
        for (int y = 0; y < layout.Rows; y++)
            for (int x = 0; x < layout.Columns; x++)
                if (Touches(row, rows, y, layout.Rows) && Touches(column, columns, x, layout.Columns))
                    (sum, pixels) = (sum + layout[channel, y, x], pixels + 1);
        return sum / pixels;
    }

    // Cell i of n covers [i / n, (i + 1) / n), pixel j of m [j / m, (j + 1) / m).
    private static bool Touches(int i, int n, int j, int m) => j * n < (i + 1) * m && (j + 1) * n > i * m;
}
