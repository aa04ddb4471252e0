namespace CrnMlNet.Evaluation;

/// <summary>How near the texture inside a class's areas is to the real photos' there.</summary>
/// <param name="Class">The class's id.</param>
/// <param name="SlicedWasserstein">The mean of the levels' sliced Wasserstein distances, x 1e3; lower is nearer.</param>
/// <param name="Levels">The distances at each level of the Laplacian pyramid, finest first; the last holds colour and brightness. A level where the class has no room is left out.</param>
/// <param name="Spectrum">
/// Too little or too much power in each octave, finest first: the mean squares of the pyramid's levels there, of the luma. Powers below that of rounding to bytes, 1/12,
/// count as 1/12.
/// </param>
/// <remarks>
/// Patches of 7x7 pixels whose every pixel is of the class are compared, at each level at most 32 of a photo, drawn once and cut from
/// both images there; a level with fewer than 64 of them in all is left out. Unlike in <see cref="Evaluation.SlicedWasserstein"/>, both sets are
/// brought to the photos' mean and deviation, so that too weak a texture and the wrong colour count. Deviations below one gray level count as one. 256 directions
/// are drawn.
/// </remarks>
public sealed record ClassTexture(int Class, double SlicedWasserstein, IReadOnlyList<SlicedWassersteinLevel> Levels, IReadOnlyList<SpectrumBand> Spectrum)
{
    private const int PlacesPerImage = 32;
    private const int FewestPlaces = 64;
    private const int Directions = 256;
    private const double RoundingPower = 1 / 12.0;

    /// <summary>Compares a set of images with real photos, class by class.</summary>
    /// <param name="images">The images, as many as the pairs, of their size, at least 16 pixels on the shorter side.</param>
    /// <param name="real">Real pairs of known layouts.</param>
    /// <param name="seed">Decides the patches and the directions.</param>
    /// <returns>The classes that have room for patches, in the order of their ids.</returns>
    /// <exception cref="ArgumentException">Layouts are not known, or numbers or sizes differ.</exception>
    public static IReadOnlyList<ClassTexture> Between(IReadOnlyList<RgbImage> images, RealPairs real, int seed = 0)
    {
        if (real.Layouts is not { } layouts)
            throw new ArgumentException("Textures inside classes need layouts, and they are not known.", nameof(real));
        Evaluation.SlicedWasserstein.Check(images, real.Photos);
        var random = new Random(seed);
        int levels = Patches.Levels(real.Photos[0]);
        // [class, level]: the patches of both sets.
        var ours = new List<double>[real.Classes.Count, levels];
        var theirs = new List<double>[real.Classes.Count, levels];
        for (int i = 0; i < images.Count; i++)
        {
            var (image, photo) = (Patches.Pyramid(images[i], levels), Patches.Pyramid(real.Photos[i], levels));
            for (int level = 0; level < levels; level++)
            {
                var (height, width) = (image[level][0].Height, image[level][0].Width);
                foreach (var (label, y, x) in Places(layouts[i], real.Width, height, width, level, real.Classes.Count, random))
                {
                    Patches.Cut(image[level], y, x, ours[label, level] ??= []);
                    Patches.Cut(photo[level], y, x, theirs[label, level] ??= []);
                }
            }
        }
        return [.. Enumerable.Range(0, real.Classes.Count).Select(label => Of(label)).OfType<ClassTexture>()];

        ClassTexture? Of(int label)
        {
            List<SlicedWassersteinLevel> distances = [];
            List<SpectrumBand> spectrum = [];
            var (height, width) = (real.Height, real.Width);
            for (int level = 0; level < levels; level++)
            {
                if (ours[label, level] is { } patches && patches.Count >= FewestPlaces * Patches.Dimensions)
                {
                    double[] one = [.. patches], other = [.. theirs[label, level]];
                    // The last level is what is left, colour and brightness, and no octave.
                    if (level < levels - 1)
                        spectrum.Add(SpectrumBand.OfOctave(level, Power(one), Power(other)));
                    Normalise(one, other);
                    double distance = Evaluation.SlicedWasserstein.Distance(one, other, Patches.Dimensions, Directions, random);
                    distances.Add(new SlicedWassersteinLevel(height, width, 1000 * distance));
                }
                (height, width) = ((height + 1) / 2, (width + 1) / 2);
            }
            return distances.Count == 0 ? null : new ClassTexture(label, distances.Average(level => level.Distance), distances, spectrum);
        }
    }

    /// <summary>Where a patch's first pixel may be, so that all of it is of one class; of each class at most as many as are wanted, each as likely.</summary>
    private static IEnumerable<(int Class, int Y, int X)> Places(byte[] layout, int stride, int height, int width, int level, int classes, Random random)
    {
        // How many pixels of the same class end here along the row; and how many rows have a whole patch's ending here.
        var along = new int[width];
        var rows = new int[width];
        var found = new int[classes];
        var chosen = new (int Y, int X)[classes, PlacesPerImage];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                byte label = At(y, x);
                along[x] = x > 0 && At(y, x - 1) == label ? along[x - 1] + 1 : 1;
                rows[x] = along[x] < Patches.Size ? 0 : y > 0 && rows[x] > 0 && At(y - 1, x) == label ? rows[x] + 1 : 1;
                if (rows[x] < Patches.Size || label >= classes)
                    continue;
                // Reservoir sampling: Vitter, 1985, algorithm R.
                int slot = found[label] < PlacesPerImage ? found[label] : random.Next(found[label] + 1);
                found[label]++;
                if (slot < PlacesPerImage)
                    chosen[label, slot] = (y - Patches.Size + 1, x - Patches.Size + 1);
            }
        }
        for (int label = 0; label < classes; label++)
            for (int slot = 0; slot < Math.Min(found[label], PlacesPerImage); slot++)
                yield return (label, chosen[label, slot].Y, chosen[label, slot].X);

        // A level keeps every second pixel of the one before, from the first.
        byte At(int y, int x) => layout[(y << level) * stride + (x << level)];
    }

    /// <summary>The mean square of the luma.</summary>
    private static double Power(double[] patches)
    {
        double sum = 0;
        for (int start = 0; start < patches.Length; start += Patches.Dimensions)
        {
            for (int i = start; i < start + Patches.Area; i++)
            {
                double luma = RgbImage.Luma(patches[i], patches[i + Patches.Area], patches[i + 2 * Patches.Area]);
                sum += luma * luma;
            }
        }
        return Math.Max(RoundingPower, 3 * sum / patches.Length);
    }

    /// <summary>Subtracts the photos' mean of each colour and divides by their deviation.</summary>
    private static void Normalise(double[] images, double[] photos)
    {
        for (int colour = 0; colour < 3; colour++)
        {
            var (mean, deviation) = Patches.Moments(photos, colour);
            foreach (var patches in new[] { images, photos })
                Patches.ForEach(patches, colour, i => patches[i] = (patches[i] - mean) / Math.Max(1, deviation));
        }
    }
}
