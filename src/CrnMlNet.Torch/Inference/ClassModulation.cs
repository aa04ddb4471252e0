using System.Numerics;
using System.Runtime.CompilerServices;
using CrnMlNet.Torch.Convolutions;
using CrnMlNet.Torch.Networks;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Inference;

/// <summary>What <see cref="LayoutModulation"/> does by class (CLADE), with the layer normalisation before it and the leaky ReLU after it: in one pass and in place.</summary>
internal sealed unsafe class ClassModulation
{
    private readonly float[] _gains, _biases;
    private readonly int _classes;

    /// <param name="gains">Of each feature map and class the gain less 1 <c>[d, c, 1, 1]</c>.</param>
    /// <param name="biases">The biases <c>[d, c, 1, 1]</c>.</param>
    public ClassModulation(Tensor gains, Tensor biases)
        => (_gains, _biases, _classes) = (gains.data<float>().ToArray(), biases.data<float>().ToArray(), (int)gains.shape[1]);

    /// <summary>Normalises, modulates and activates.</summary>
    /// <param name="maps">A convolution's outputs <c>[N, d, rows, columns]</c>, contiguous; receives the result.</param>
    /// <param name="statistics">The mean and the variance of each image's outputs.</param>
    /// <param name="labels">The layout and perhaps, behind it, noise <c>[N, c + noise, rows, columns]</c>, contiguous.</param>
    public void Apply(Tensor maps, (double Mean, double Variance)[] statistics, Tensor labels)
    {
        float* values = FeatureMaps.AddressOf(maps), shares = FeatureMaps.AddressOf(labels);
        int features = (int)maps.shape[1], rows = (int)maps.shape[2], columns = (int)maps.shape[3], channels = (int)labels.shape[1];
        long area = (long)rows * columns;
        Workers.Share(statistics.Length * rows, (piece, _) =>
        {
            var (image, row) = (piece / rows, piece % rows);
            double scale = 1 / Math.Sqrt(statistics[image].Variance + RefinementModule.NormEpsilon);
            ApplyToRow(
                values + image * features * area + (long)row * columns, shares + image * channels * area + (long)row * columns, area, features, columns,
                (float)scale, (float)(-statistics[image].Mean * scale));
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ApplyToRow(float* values, float* shares, long area, int features, int columns, float scale, float shift)
    {
        // Most rows show some classes only.
        float** present = stackalloc float*[_classes];
        int* classes = stackalloc int[_classes];
        float* gains = stackalloc float[_classes], biases = stackalloc float[_classes];
        int count = 0;
        for (int c = 0; c < _classes; c++)
        {
            if (!new ReadOnlySpan<float>(shares + c * area, columns).ContainsAnyExcept(0))
                continue;
            present[count] = shares + c * area;
            classes[count++] = c;
        }

        const float slope = (float)RefinementModule.NegativeSlope;
        for (int feature = 0; feature < features; feature++, values += area)
        {
            for (int i = 0; i < count; i++)
            {
                int at = feature * _classes + classes[i];
                (gains[i], biases[i]) = (scale * _gains[at], MathF.FusedMultiplyAdd(shift, _gains[at], _biases[at]));
            }

            int x = 0;
            for (; x <= columns - Vector<float>.Count; x += Vector<float>.Count)
            {
                Vector<float> factor = new(scale), summand = new(shift);
                for (int i = 0; i < count; i++)
                {
                    var share = Vector.Load(present[i] + x);
                    factor = Vector.FusedMultiplyAdd(share, new(gains[i]), factor);
                    summand = Vector.FusedMultiplyAdd(share, new(biases[i]), summand);
                }

                var y = Vector.FusedMultiplyAdd(Vector.Load(values + x), factor, summand);
                Vector.FusedMultiplyAdd(Vector.Min(y, Vector<float>.Zero), new(slope), Vector.Max(y, Vector<float>.Zero)).Store(values + x);
            }

            for (; x < columns; x++)
            {
                var (factor, summand) = (scale, shift);
                for (int i = 0; i < count; i++)
                    (factor, summand) = (MathF.FusedMultiplyAdd(present[i][x], gains[i], factor), MathF.FusedMultiplyAdd(present[i][x], biases[i], summand));
                float y = MathF.FusedMultiplyAdd(values[x], factor, summand);
                values[x] = MathF.FusedMultiplyAdd(MathF.Min(y, 0), slope, MathF.Max(y, 0));
            }
        }
    }
}
