using CrnMlNet.Torch.Backend;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation;

/// <summary>The training photo that an image is nearest to.</summary>
/// <param name="Photo">Which one, from 0.</param>
/// <param name="Distance">The root of the mean squared difference, in gray levels.</param>
public readonly record struct NearestPhoto(int Photo, double Distance);

/// <summary>
/// Whether synthesized images are training photos over again: how near each is to the nearest of them, and how near real photos are that the
/// model has not seen either.
/// </summary>
/// <param name="Synthesized">For each synthesized image the nearest training photo.</param>
/// <param name="Real">The same for the real photos.</param>
/// <remarks>
/// Images are compared as pixels, brought down to at most 32 rows or columns, whichever are fewer, by antialiased bilinear resampling; so grain does not
/// decide. A blurred image is nearer to every photo than a sharp one: what tells is an image far nearer than all others.
/// </remarks>
public sealed record Memorisation(IReadOnlyList<NearestPhoto> Synthesized, IReadOnlyList<NearestPhoto> Real)
{
    private const int SmallSide = 32;
    private const int BatchSize = 64;

    /// <summary>How many training photos there were.</summary>
    public int TrainingPhotos { get; init; }

    /// <summary>The share of the synthesized images that are nearer to a training photo than the nearest real photo is, 0 to 1.</summary>
    public double ShareBelowReal => Synthesized.Count(image => image.Distance < Real.Min(photo => photo.Distance)) / (double)Synthesized.Count;

    /// <summary>Compares.</summary>
    /// <param name="synthesized">The synthesized images, at least one.</param>
    /// <param name="real">Real photos that were not trained on, at least one.</param>
    /// <param name="training">The training photos, at least one; they are read once.</param>
    /// <exception cref="ArgumentException">A set is empty, or sizes differ.</exception>
    public static Memorisation Of(IReadOnlyList<RgbImage> synthesized, IReadOnlyList<RgbImage> real, IEnumerable<RgbImage> training)
    {
        if (synthesized.Count == 0 || real.Count == 0)
            throw new ArgumentException("Both sets need an image.", nameof(synthesized));
        TorchBackend.Start();
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        RgbImage[] images = [.. synthesized, .. real];
        var small = Small(images, images[0]);
        var nearest = images.Select(_ => new NearestPhoto(-1, double.PositiveInfinity)).ToArray();
        int first = 0;
        foreach (var batch in training.Chunk(BatchSize))
        {
            using var step = NewDisposeScope();
            var (least, index) = Distances(small, Small(batch, images[0])).min(1);
            for (int i = 0; i < images.Length; i++)
            {
                if (least[i].item<double>() is var distance && distance < nearest[i].Distance)
                    nearest[i] = new NearestPhoto(first + (int)index[i].item<long>(), distance);
            }
            first += batch.Length;
        }
        if (first == 0)
            throw new ArgumentException("There is no training photo to compare with.", nameof(training));
        return new Memorisation(nearest[..synthesized.Count], nearest[synthesized.Count..]) { TrainingPhotos = first };
    }

    /// <summary>A quantile of distances, between the two that lie around it.</summary>
    /// <param name="nearest">What was measured, at least one.</param>
    /// <param name="share">0 for the least, 0.5 for the median, 1 for the greatest.</param>
    public static double Quantile(IReadOnlyList<NearestPhoto> nearest, double share) => Quantiles.Of([.. nearest.Select(image => image.Distance)], share);

    private static Tensor Distances(Tensor first, Tensor second)
    {
        var squares = first.square().sum([1], keepdim: true).Plus(second.square().sum([1]).unsqueeze(0)) - first.matmul(second.transpose(0, 1)).Times(2);
        return squares.AtLeast(0).Times(1.0 / first.shape[1]).sqrt();
    }

    private static Tensor Small(IReadOnlyList<RgbImage> images, RgbImage like)
    {
        using var scope = NewDisposeScope();
        double scale = Math.Min(1, (double)SmallSide / Math.Min(like.Height, like.Width));
        int height = (int)Math.Round(like.Height * scale), width = (int)Math.Round(like.Width * scale);
        List<Tensor> rows = [];
        foreach (var image in images)
        {
            RgbImage.CheckSameSize(like, image);
            using var step = NewDisposeScope();
            rows.Add(AntialiasedResize.Bilinear(image.ToTensor(CPU).to(ScalarType.Float64), height, width).flatten(1).MoveToOuterDisposeScope());
        }
        return cat(rows, 0).MoveToOuterDisposeScope();
    }
}
