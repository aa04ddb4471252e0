using System.Collections.Concurrent;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Convolutions;
using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Inference;

/// <summary>
/// The forward pass of a <see cref="CascadedRefinementNetwork"/> on the CPU, without gradients, that convolves by
/// <see cref="WinogradConvolution"/> where that pays: what the network's own does, but for rounding.
/// </summary>
/// <remarks>
/// Upsampled features are never in memory: a convolution reads them row by row from the features of the module before. Layer
/// normalisation and the leaky ReLU are applied to what the next convolution reads, too; their sums are taken while its input is made. Where the
/// layout modulates, all of that is done in between, as it then differs from place to place.
/// </remarks>
internal sealed class WinogradCascade : IPreparedCascade
{
    private readonly CascadedRefinementNetwork _network;
    private readonly WinogradModule?[] _modules;

    // Of as many calls as were under way at once.
    private readonly ConcurrentBag<PaintingMemory> _memories = [];

    /// <summary>Transforms the filters; what becomes of the network's weights later is not seen.</summary>
    /// <param name="network">The network, on the CPU. Stays the caller's to dispose.</param>
    /// <param name="multipliesInBFloat16">Whether Winograd's products are in bfloat16; all else is in float32.</param>
    public WinogradCascade(CascadedRefinementNetwork network, bool multipliesInBFloat16 = false)
    {
        _network = network;
        _modules = [.. network.RefinementModules.Select(module => Pays(module.Shape) ? new WinogradModule(module, multipliesInBFloat16) : null)];
    }

    /// <summary>Whether some module of such a network is faster this way.</summary>
    public static bool Pays(CrnArchitecture architecture) => architecture.Modules().Any(Pays);

    public Tensor Synthesize(Tensor layouts)
    {
        if (!_memories.TryTake(out var memory))
            memory = new PaintingMemory();
        var arena = memory.Open();
        try
        {
            return Synthesize(layouts, memory);
        }
        finally
        {
            arena.Close();
            _memories.Add(memory);
        }
    }

    private Tensor Synthesize(Tensor layouts, PaintingMemory memory)
    {
        using var scope = NewDisposeScope();
        var labels = _network.Layouts(layouts);
        ActivatedMaps? features = null;
        Tensor? before = null;
        for (int i = 0; i < _modules.Length; i++)
        {
            // What a module no longer needs goes when it is done.
            using var step = NewDisposeScope();
            var noisy = _network.WithNoise(labels[i], i);
            features = _modules[i] is { } module
                ? module.Refine(features, noisy.contiguous(), memory)
                : new ActivatedMaps(_network.RefinementModules[i].forward(features?.InPlace(), noisy).contiguous());
            features.Maps.MoveToOuterDisposeScope();
            before?.Dispose();
            before = features.Maps;
        }

        return _network.PaintByProducts(features!.InPlace()).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (var module in _modules)
            module?.Dispose();
        while (_memories.TryTake(out var memory))
            memory.Dispose();
    }

    // Measured with the benchmark "convolutions".
    private static bool Pays(ModuleShape shape) => (long)shape.Rows * shape.Columns >= 512 && shape.Features >= 32 && shape.InputFeatures > 0;

    // The same: smaller maps have few tiles of 6x6, and of these a larger part beyond the edges.
    private static bool IsLarge(ModuleShape shape) => (long)shape.Rows * shape.Columns >= 128 * 256 && shape.Features >= 64;

    /// <summary>A <see cref="RefinementModule"/>'s forward pass.</summary>
    private sealed class WinogradModule(RefinementModule module, bool multipliesInBFloat16) : IDisposable
    {
        private readonly Half _first = new(module, 0, multipliesInBFloat16), _second = new(module, 1, multipliesInBFloat16);

        public ActivatedMaps Refine(ActivatedMaps? features, Tensor labels, PaintingMemory memory)
        {
            FeatureMaps input = new ActivatedMaps(labels);
            if (features is not null)
                input = new JoinedMaps(new UpsampledMaps(features, module.Shape.Rows, module.Shape.Columns), input);
            return _second.Run(_first.Run(input, labels, memory), labels, memory);
        }

        public void Dispose()
        {
            _first.Dispose();
            _second.Dispose();
        }
    }

    /// <summary>A convolution and the layer normalisation, modulation and leaky ReLU after it.</summary>
    private sealed class Half : IDisposable
    {
        private readonly RefinementModule _module;
        private readonly int _number;
        private readonly WinogradConvolution _convolution;
        private readonly float[]? _gains, _biases;
        private readonly ClassModulation? _byClass;

        public Half(RefinementModule module, int number, bool multipliesInBFloat16)
        {
            (_module, _number) = (module, number);
            using var scope = NewDisposeScope();
            var (filters, gains, biases) = module.Halves[number];
            var kernels = WinogradKernels.Best;
            _convolution = new(multipliesInBFloat16
                ? new BFloat16Products(filters.contiguous(), kernels)
                : new Float32Products(filters.contiguous(), kernels, IsLarge(module.Shape) ? kernels.Of6x6 : kernels.Of4x4));
            (_gains, _biases) = (gains?.data<float>().ToArray(), biases?.data<float>().ToArray());
            _byClass = module.ModulationOf(number)?.ByClass is { } clade ? new ClassModulation(clade.Gains, clade.Biases) : null;
        }

        public ActivatedMaps Run(FeatureMaps input, Tensor labels, PaintingMemory memory)
        {
            var (images, shape) = (labels.shape[0], _module.Shape);
            var maps = memory.Take(_number, images, shape.Features, shape.Rows, shape.Columns);
            var statistics = _convolution.Convolve(input, maps);
            Arena.Current!.GiveBack();
            if (_byClass is not null)
            {
                _byClass.Apply(maps, statistics, labels);
                return new ActivatedMaps(maps);
            }

            var (scales, shifts) = (new float[images * shape.Features], new float[images * shape.Features]);
            for (int i = 0; i < scales.Length; i++)
            {
                var (mean, variance) = statistics[i / shape.Features];
                double scale = (_gains?[i % shape.Features] ?? 1) / Math.Sqrt(variance + RefinementModule.NormEpsilon);
                (scales[i], shifts[i]) = ((float)scale, (float)((_biases?[i % shape.Features] ?? 0) - mean * scale));
            }

            if (_gains is not null)
                return new ActivatedMaps(maps, scales, shifts, (float)RefinementModule.NegativeSlope);
            using var scope = NewDisposeScope();
            var modulated = _module.Modulated(_number, new ActivatedMaps(maps, scales, shifts, slope: 1).InPlace(), labels).LeakyReLUInPlace(RefinementModule.NegativeSlope);
            return new ActivatedMaps(modulated.contiguous().MoveToOuterDisposeScope());
        }

        public void Dispose() => _convolution.Dispose();
    }
}
