using CrnMlNet.Data;
using CrnMlNet.Torch.Inference;
using Microsoft.ML.Data;

namespace CrnMlNet.Evaluation;

/// <summary>How near a set of images is to the real photos.</summary>
/// <param name="SlicedWasserstein">The mean of the levels' sliced Wasserstein distances, x 1e3; lower is nearer. It compares textures, wherever they stand.</param>
/// <param name="Levels">The distances at each level, finest first.</param>
/// <param name="MultiScaleSsim">The mean MS-SSIM, at most 1; higher is nearer. It compares structure, place by place.</param>
/// <param name="Psnr">The mean PSNR in dB; higher is nearer. It prefers blur to a texture that is not the photo's own.</param>
public sealed record Nearness(double SlicedWasserstein, IReadOnlyList<SlicedWassersteinLevel> Levels, double MultiScaleSsim, double Psnr);

/// <summary>
/// Compares what a model paints with real photos of the same layouts, in measures that no training here optimises, and beside
/// it what needs no model: every class painted flat in its mean colour over these photos. Photos are preprocessed as the model's
/// training photos were.
/// </summary>
/// <param name="Pairs">How many pairs were compared.</param>
/// <param name="Height">The working height in pixels, to which photos were brought by area averaging.</param>
/// <param name="Width">The working width in pixels.</param>
/// <param name="Synthesized">The model's photos; where it paints several of a layout, the first ones.</param>
/// <param name="FlatPainting">The flat paintings.</param>
/// <param name="Best">What the several photos of a layout are worth, a mean over the pairs; null: the model paints one.</param>
public sealed record SynthesisEvaluation(int Pairs, int Height, int Width, Nearness Synthesized, Nearness FlatPainting, BestOfImages? Best = null)
{
    /// <summary>Evaluates a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="pairs">Label maps and photos, at least one pair. They are read one at a time and not disposed.</param>
    /// <exception cref="ArgumentException">There is no pair.</exception>
    /// <exception cref="InvalidOperationException">A label map has ids or colours that the palette lacks.</exception>
    public static SynthesisEvaluation Of(SynthesizeFromLabelsTransformer model, IEnumerable<(LabelMap Labels, MLImage Photo)> pairs)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(pairs);
        var (height, width) = (model.Architecture.Height, model.Architecture.Width);
        List<byte[]> layouts = [];
        List<RgbImage> photos = [], synthesized = [];
        List<BestOfImages> best = [];
        foreach (var (labels, photo) in pairs)
        {
            layouts.Add(model.ReadLabels(labels));
            photos.Add(new RgbImage(height, width, PhotoPixels.FromPhoto(photo, height, width, model.Training.PhotoPreprocessing)));
            var images = Paint(model, layouts[^1]);
            synthesized.Add(images[0]);
            if (images.Length > 1)
                best.Add(BestOfImages.Of(images, photos[^1], layouts[^1]));
        }
        if (photos.Count == 0)
            throw new ArgumentException("There is no pair to compare.", nameof(pairs));

        var flat = FlatPaintings(layouts, photos, model.Palette.ChannelCount);
        return new SynthesisEvaluation(
            photos.Count, height, width, Measure(synthesized, photos), Measure(flat, photos), best.Count > 0 ? BestOfImages.Mean(best) : null);
    }

    /// <summary>All photos of a layout.</summary>
    private static RgbImage[] Paint(SynthesizeFromLabelsTransformer model, byte[] layout) => model.WithAllImages(synthesizer =>
    {
        var planes = new byte[3 * synthesizer.Images * layout.Length];
        synthesizer.Synthesize(layout, planes);
        return planes.Chunk(3 * layout.Length).Select(image => new RgbImage(synthesizer.Height, synthesizer.Width, image)).ToArray();
    });

    /// <summary>Paints every class in its mean colour over all photos.</summary>
    internal static IReadOnlyList<RgbImage> FlatPaintings(IReadOnlyList<byte[]> layouts, IReadOnlyList<RgbImage> photos, int channels)
    {
        var sums = new long[3, channels];
        var counts = new long[channels];
        for (int i = 0; i < photos.Count; i++)
        {
            for (int pixel = 0; pixel < layouts[i].Length; pixel++)
            {
                counts[layouts[i][pixel]]++;
                for (int colour = 0; colour < 3; colour++)
                    sums[colour, layouts[i][pixel]] += photos[i].Planes[colour * layouts[i].Length + pixel];
            }
        }
        return [.. photos.Select((photo, i) => new RgbImage(photo.Height, photo.Width, Paint(layouts[i])))];

        byte[] Paint(byte[] layout)
        {
            var planes = new byte[3 * layout.Length];
            for (int colour = 0; colour < 3; colour++)
                for (int pixel = 0; pixel < layout.Length; pixel++)
                    planes[colour * layout.Length + pixel] = (byte)Math.Round((double)sums[colour, layout[pixel]] / counts[layout[pixel]]);
            return planes;
        }
    }

    private static Nearness Measure(IReadOnlyList<RgbImage> images, IReadOnlyList<RgbImage> photos)
    {
        var levels = Evaluation.SlicedWasserstein.Between(images, photos);
        return new Nearness(
            levels.Average(level => level.Distance), levels,
            images.Zip(photos, Evaluation.MultiScaleSsim.Between).Average(),
            images.Zip(photos, Evaluation.Psnr.Between).Average());
    }
}
