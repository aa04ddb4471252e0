using CrnMlNet.Torch.Backend;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// Inception v3 (Szegedy et al., CVPR 2016) as the FID takes it (Heusel et al., 2017), up to the 2,048 means of its last maps ("pool3"): the network of
/// December 2015, in pytorch-fid's structure (<c>fid_inception_v3</c>). Average pooling leaves out the padding, and the last module takes maximum
/// pooling instead.
/// </summary>
/// <remarks>
/// No weights are shipped: see <see cref="CrnMlNet.Torch.Weights.InceptionFile"/>. Batch normalisation is part of the convolutions' weights and
/// biases here.
/// </remarks>
public sealed class Inception : IDisposable
{
    /// <summary>How many features a photo has.</summary>
    public const int FeatureCount = 2048;

    /// <summary>The height and the width that photos have for the FID.</summary>
    public const int Side = 299;

    private static readonly Step[] Steps =
    [
        new Convolution("Conv2d_1a_3x3", 32, 3, 3, Stride: 2),
        new Convolution("Conv2d_2a_3x3", 32, 3, 3, IsPadded: false),
        new Convolution("Conv2d_2b_3x3", 64, 3, 3),
        new Pooling(IsMaximum: true, Stride: 2),
        new Convolution("Conv2d_3b_1x1", 80, 1, 1),
        new Convolution("Conv2d_4a_3x3", 192, 3, 3, IsPadded: false),
        new Pooling(IsMaximum: true, Stride: 2),
        A("Mixed_5b", 32), A("Mixed_5c", 64), A("Mixed_5d", 64),
        B("Mixed_6a"),
        C("Mixed_6b", 128), C("Mixed_6c", 160), C("Mixed_6d", 160), C("Mixed_6e", 192),
        D("Mixed_7a"),
        E("Mixed_7b", isMaximum: false), E("Mixed_7c", isMaximum: true),
    ];

    private readonly Dictionary<string, (Tensor Weight, Tensor Bias)> _weights = [];

    /// <summary>Makes a network on the CPU of which all weights are zero.</summary>
    public Inception()
    {
        TorchBackend.Start();
        foreach (var (name, shape) in Shapes)
            _weights.Add(name, (zeros(shape).DetachFromDisposeScope(), zeros(shape[0]).DetachFromDisposeScope()));
    }

    /// <summary>Every convolution's name in the file and the shape of its weight, <c>[maps out, maps in, rows, columns]</c>.</summary>
    public static IReadOnlyList<(string Name, long[] Shape)> Shapes { get; } = [.. ShapesOf(Steps, 3).Shapes];

    /// <summary>Each convolution's weight and bias, to be filled in place. They stay the network's to dispose.</summary>
    public IReadOnlyDictionary<string, (Tensor Weight, Tensor Bias)> Weights => _weights;

    /// <summary>Looks at photos.</summary>
    /// <param name="photos">RGB <c>[N, 3, H, W]</c>, 0 to 255, float32; 75x75 at least, and <see cref="Side"/> for the FID.</param>
    /// <returns><c>[N, 2048]</c>, float32.</returns>
    public Tensor Features(Tensor photos)
    {
        using var scope = NewDisposeScope();
        return Apply(Steps, photos.Times(1 / 127.5).Plus(-1)).mean([2, 3]).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (weight, bias) in _weights.Values)
        {
            weight.Dispose();
            bias.Dispose();
        }
    }

    private static Fork A(string name, int pooled) => new(
        [new Convolution($"{name}.branch1x1", 64, 1, 1)],
        [new Convolution($"{name}.branch5x5_1", 48, 1, 1), new Convolution($"{name}.branch5x5_2", 64, 5, 5)],
        [
            new Convolution($"{name}.branch3x3dbl_1", 64, 1, 1), new Convolution($"{name}.branch3x3dbl_2", 96, 3, 3),
            new Convolution($"{name}.branch3x3dbl_3", 96, 3, 3),
        ],
        [new Pooling(IsMaximum: false, Stride: 1), new Convolution($"{name}.branch_pool", pooled, 1, 1)]);

    private static Fork B(string name) => new(
        [new Convolution($"{name}.branch3x3", 384, 3, 3, Stride: 2)],
        [
            new Convolution($"{name}.branch3x3dbl_1", 64, 1, 1), new Convolution($"{name}.branch3x3dbl_2", 96, 3, 3),
            new Convolution($"{name}.branch3x3dbl_3", 96, 3, 3, Stride: 2),
        ],
        [new Pooling(IsMaximum: true, Stride: 2)]);

    private static Fork C(string name, int maps) => new(
        [new Convolution($"{name}.branch1x1", 192, 1, 1)],
        [
            new Convolution($"{name}.branch7x7_1", maps, 1, 1), new Convolution($"{name}.branch7x7_2", maps, 1, 7),
            new Convolution($"{name}.branch7x7_3", 192, 7, 1),
        ],
        [
            new Convolution($"{name}.branch7x7dbl_1", maps, 1, 1), new Convolution($"{name}.branch7x7dbl_2", maps, 7, 1),
            new Convolution($"{name}.branch7x7dbl_3", maps, 1, 7), new Convolution($"{name}.branch7x7dbl_4", maps, 7, 1),
            new Convolution($"{name}.branch7x7dbl_5", 192, 1, 7),
        ],
        [new Pooling(IsMaximum: false, Stride: 1), new Convolution($"{name}.branch_pool", 192, 1, 1)]);

    private static Fork D(string name) => new(
        [new Convolution($"{name}.branch3x3_1", 192, 1, 1), new Convolution($"{name}.branch3x3_2", 320, 3, 3, Stride: 2)],
        [
            new Convolution($"{name}.branch7x7x3_1", 192, 1, 1), new Convolution($"{name}.branch7x7x3_2", 192, 1, 7),
            new Convolution($"{name}.branch7x7x3_3", 192, 7, 1), new Convolution($"{name}.branch7x7x3_4", 192, 3, 3, Stride: 2),
        ],
        [new Pooling(IsMaximum: true, Stride: 2)]);

    private static Fork E(string name, bool isMaximum) => new(
        [new Convolution($"{name}.branch1x1", 320, 1, 1)],
        [
            new Convolution($"{name}.branch3x3_1", 384, 1, 1),
            new Fork([new Convolution($"{name}.branch3x3_2a", 384, 1, 3)], [new Convolution($"{name}.branch3x3_2b", 384, 3, 1)]),
        ],
        [
            new Convolution($"{name}.branch3x3dbl_1", 448, 1, 1), new Convolution($"{name}.branch3x3dbl_2", 384, 3, 3),
            new Fork([new Convolution($"{name}.branch3x3dbl_3a", 384, 1, 3)], [new Convolution($"{name}.branch3x3dbl_3b", 384, 3, 1)]),
        ],
        [new Pooling(isMaximum, Stride: 1), new Convolution($"{name}.branch_pool", 192, 1, 1)]);

    private Tensor Apply(IEnumerable<Step> steps, Tensor x) => steps.Aggregate(x, (maps, step) => step switch
    {
        Convolution convolution => Apply(convolution, maps),
        Pooling pooling => pooling.Apply(maps),
        Fork fork => cat([.. fork.Branches.Select(branch => Apply(branch, maps))], 1),
        _ => throw new InvalidOperationException(),
    });

    private Tensor Apply(Convolution convolution, Tensor x)
    {
        var (weight, bias) = _weights[convolution.Name];
        return nn.functional.conv2d(x, weight, bias, strides: [convolution.Stride, convolution.Stride], padding: convolution.Padding).relu_();
    }

    /// <summary>The convolutions of a row of steps, and how many maps it ends with.</summary>
    private static (IEnumerable<(string Name, long[] Shape)> Shapes, int Maps) ShapesOf(IEnumerable<Step> steps, int maps)
    {
        List<(string, long[])> shapes = [];
        foreach (var step in steps)
        {
            if (step is Convolution convolution)
            {
                shapes.Add((convolution.Name, [convolution.To, maps, convolution.Height, convolution.Width]));
                maps = convolution.To;
            }
            else if (step is Fork fork)
            {
                var branches = fork.Branches.Select(branch => ShapesOf(branch, maps)).ToArray();
                shapes.AddRange(branches.SelectMany(branch => branch.Shapes));
                maps = branches.Sum(branch => branch.Maps);
            }
        }
        return (shapes, maps);
    }

    private abstract record Step;

    /// <summary>A convolution with ReLU. One with a stride has no padding.</summary>
    private sealed record Convolution(string Name, int To, int Height, int Width, int Stride = 1, bool IsPadded = true) : Step
    {
        public long[] Padding => IsPadded && Stride == 1 ? [Height / 2, Width / 2] : [0, 0];
    }

    /// <summary>3x3 pooling; with a stride of 1 it keeps the size.</summary>
    private sealed record Pooling(bool IsMaximum, int Stride) : Step
    {
        public Tensor Apply(Tensor x) => IsMaximum
            ? nn.functional.max_pool2d(x, 3, stride: Stride, padding: Stride == 1 ? 1L : 0L)
            : nn.functional.avg_pool2d(x, 3, stride: Stride, padding: 1L, count_include_pad: false);
    }

    /// <summary>Rows of steps side by side, whose maps are put one behind the other.</summary>
    private sealed record Fork(params Step[][] Branches) : Step;
}
