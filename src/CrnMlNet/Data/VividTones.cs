using Microsoft.ML.Data;

namespace CrnMlNet.Data;

/// <summary>
/// The tone mapping that the authors of the CRN gave the photos of Cityscapes, which look dull, before they trained at 512x1024 and
/// 1024x2048: lightness is parted into a base and two layers of detail by <see cref="EdgePreservingSmoothing"/>, each is stretched by
/// a sigmoid, thrice, and the mean of the three is taken.
/// </summary>
/// <remarks>
/// After optional_preprocessing/generate_vivid_images_512full.m and tonemapLAB.m of CQFIO/PhotographicImageSynthesis, which use the code
/// of Farbman et al. (danix/epd), with all of their numbers. There, as in <see cref="PhotoPreprocessing.Vivid"/>, photos are brought to
/// the working size first.
/// </remarks>
public static class VividTones
{
    private const double Gamma = 0.75, Alpha = 1.2, FineLambda = 0.125, CoarseLambda = 0.5, Saturation = 1.1, MiddleLightness = 56;

    // What wlsFilter.m adds to L before the logarithm, MATLAB's eps: 2^-52.
    private const double MatlabEps = 1.0 / (1L << 52);

    // In units of L. The steepest sigmoid makes 6 times as much of it, at most a sixth of a gray level.
    private const double Tolerance = 1e-2;

    private static readonly Tone[] Tones =
    [
        new(Fine: 25, Medium: 1, Base: 1, Exposure: 1),
        new(Fine: 1, Medium: 40, Base: 1, Exposure: 1),
        new(Fine: 4, Medium: 1, Base: 15, Exposure: 1.1),
    ];

    private static readonly double[] LinearOfByte = [.. Enumerable.Range(0, 256).Select(value => CieLab.ToLinear(Math.Pow(value / 255.0, Gamma)))];

    /// <summary>A photo with such tones.</summary>
    /// <param name="photo">The photo. It is not disposed, and its alpha is ignored.</param>
    /// <returns>A new opaque image of the same size, the caller's to dispose.</returns>
    public static MLImage Apply(MLImage photo)
    {
        ArgumentNullException.ThrowIfNull(photo);
        var rgb = PhotoPixels.FromPhoto(photo, photo.Height, photo.Width, PhotoPreprocessing.Vivid);
        return PhotoPixels.ToImage(rgb, photo.Height, photo.Width);
    }

    /// <summary>Gives a photo such tones, in place.</summary>
    /// <param name="rgb">Planar RGB, <c>[3, H, W]</c>, 0 to 255.</param>
    /// <param name="height">In pixels.</param>
    /// <param name="width">In pixels.</param>
    internal static void Apply(Span<byte> rgb, int height, int width)
    {
        var plane = height * width;
        if (rgb.Length != 3L * plane)
            throw new ArgumentException($"{rgb.Length} values do not make 3 planes of {height} x {width}.");
        double[] lightness = new double[plane], logarithm = new double[plane];
        float[] greenToRed = new float[plane], blueToYellow = new float[plane];
        for (var i = 0; i < plane; i++)
        {
            var (l, a, b) = CieLab.FromLinearRgb(LinearOfByte[rgb[i]], LinearOfByte[rgb[plane + i]], LinearOfByte[rgb[2 * plane + i]]);
            (lightness[i], greenToRed[i], blueToYellow[i]) = (l, (float)(a * Saturation), (float)(b * Saturation));
            logarithm[i] = Math.Log(Math.Max(l, 0) + MatlabEps);
        }

        var smoothing = new EdgePreservingSmoothing(logarithm, height, width, Alpha);
        double[] smooth = [], smoother = [];
        Parallel.Invoke(
            () => smooth = smoothing.Smooth(lightness, FineLambda, Tolerance),
            () => smoother = smoothing.Smooth(lightness, CoarseLambda, Tolerance));

        for (var i = 0; i < plane; i++)
        {
            double red = 0, green = 0, blue = 0;
            foreach (var tone in Tones)
            {
                var (r, g, b) = CieLab.ToLinearRgb(tone.Map(lightness[i], smooth[i], smoother[i]), greenToRed[i], blueToYellow[i]);
                red += CieLab.FromLinear(r);
                green += CieLab.FromLinear(g);
                blue += CieLab.FromLinear(b);
            }

            rgb[i] = ToByte(red);
            rgb[plane + i] = ToByte(green);
            rgb[2 * plane + i] = ToByte(blue);
        }
    }

    private static byte ToByte(double sumOfThree) => (byte)(sumOfThree / 3 * 255 + 0.5);

    /// <summary>One of the three mappings: how steep each layer's sigmoid is, and a factor on the base.</summary>
    private sealed record Tone(double Fine, double Medium, double Base, double Exposure)
    {
        private readonly double _fineScale = Scale(Fine), _mediumScale = Scale(Medium), _baseScale = Scale(Base);

        public double Map(double lightness, double smooth, double smoother) =>
            Sigmoid(lightness - smooth, Fine, _fineScale)
            + Sigmoid(smooth - smoother, Medium, _mediumScale)
            + Sigmoid(Exposure * smoother - MiddleLightness, Base, _baseScale) + MiddleLightness;

        /// <summary>A sigmoid through 0 and, scaled so, through 50 (sigmoid.m).</summary>
        private static double Sigmoid(double value, double steepness, double scale) => (1 / (1 + Math.Exp(-steepness * value / 100)) - 0.5) * scale;

        private static double Scale(double steepness) => 100 * 0.5 / (1 / (1 + Math.Exp(-steepness * 0.5)) - 0.5);
    }
}
