using CrnMlNet.Torch.Backend;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation;

/// <summary>How strong a band of spatial frequencies is in synthesized images, against real photos.</summary>
/// <param name="From">Its lowest frequency, in cycles per pixel.</param>
/// <param name="To">Its highest, not included but for the finest band; 0.5 is the finest that pixels show.</param>
/// <param name="Decibels">Ten times the logarithm of the ratio of the mean powers: below 0 there is too little, which is blur; above 0 too much, noise or an artifact.</param>
public sealed record SpectrumBand(double From, double To, double Decibels)
{
    /// <summary>An octave, 0 being the finest.</summary>
    internal static SpectrumBand OfOctave(int octave, double power, double photos) =>
        new(PowerSpectrum.Finest / (2 << octave), PowerSpectrum.Finest / (1 << octave), 10 * Math.Log10(power / photos));
}

/// <summary>
/// The radially averaged power spectrum of the luma (ITU-R BT.601), in octaves: what blur takes away, wherever it stands in the picture. The image less
/// its mean is multiplied by a Hann window in both directions, so that its borders are no edges.
/// </summary>
public static class PowerSpectrum
{
    /// <summary>The finest frequency that pixels show along rows and columns, in cycles per pixel.</summary>
    public const double Finest = 0.5;

    /// <summary>The fewest periods that the coarsest band has across the shorter side.</summary>
    private const int FewestPeriods = 4;

    /// <summary>Compares two sets of images of one size.</summary>
    /// <param name="images">The synthesized ones.</param>
    /// <param name="photos">The real ones, as many or not.</param>
    /// <returns>The octaves, finest first. Frequencies above 0.5 cycles per pixel, which only diagonals have, are left out.</returns>
    /// <exception cref="ArgumentException">A set is empty, sizes differ, or the images are smaller than 16x16.</exception>
    public static IReadOnlyList<SpectrumBand> Between(IReadOnlyList<RgbImage> images, IReadOnlyList<RgbImage> photos)
    {
        if (images.Count == 0 || photos.Count == 0)
            throw new ArgumentException("Both sets need an image.", nameof(images));
        foreach (var image in images.Concat(photos))
            RgbImage.CheckSameSize(photos[0], image);
        int side = Math.Min(photos[0].Height, photos[0].Width);
        if (side < 4 * FewestPeriods)
            throw new ArgumentException($"A spectrum needs at least {4 * FewestPeriods}x{4 * FewestPeriods} pixels, got {photos[0].Height}x{photos[0].Width}.", nameof(photos));

        TorchBackend.Start();
        double[] ours = MeanPowers(images, side), theirs = MeanPowers(photos, side);
        return [.. ours.Select((power, octave) => SpectrumBand.OfOctave(octave, power, theirs[octave]))];
    }

    /// <summary>The mean power of each octave, finest first.</summary>
    private static double[] MeanPowers(IReadOnlyList<RgbImage> images, int side)
    {
        int octaves = 1;
        while (side * Finest / (4 << (octaves - 1)) >= FewestPeriods)
            octaves++;
        var sums = new double[octaves];
        var counts = new long[octaves];
        foreach (var image in images)
        {
            double[] power = Power(image.Luma());
            for (int y = 0; y < image.Height; y++)
            {
                for (int x = 0; x < image.Width; x++)
                {
                    int octave = Octave(Frequency(y, image.Height), Frequency(x, image.Width));
                    if (octave < 0 || octave >= octaves)
                        continue;
                    sums[octave] += power[y * image.Width + x];
                    counts[octave]++;
                }
            }
        }
        return [.. sums.Select((sum, octave) => sum / counts[octave])];
    }

    private static int Octave(double vertical, double horizontal)
    {
        double frequency = Math.Sqrt(vertical * vertical + horizontal * horizontal);
        return frequency > Finest ? -1 : frequency == Finest ? 0 : (int)Math.Ceiling(Math.Log2(Finest / frequency)) - 1;
    }

    private static double Frequency(int i, int length) => (double)Math.Min(i, length - i) / length;

    private static double[] Power(Plane luma)
    {
        using var scope = NewDisposeScope();
        var values = tensor(luma.Values, [luma.Height, luma.Width]);
        var windowed = (values - values.mean()) * tensor(Hann(luma.Height), [luma.Height, 1]) * tensor(Hann(luma.Width), [1, luma.Width]);
        return fft.fft2(windowed).abs().square().data<double>().ToArray();
    }

    private static double[] Hann(int length) => [.. Enumerable.Range(0, length).Select(i => Math.Pow(Math.Sin(Math.PI * i / length), 2))];
}
