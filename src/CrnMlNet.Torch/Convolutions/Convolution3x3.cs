using System.Runtime.ExceptionServices;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Convolutions;

/// <summary>3x3 convolutions of stride 1, padded by 1, with their gradients: by Winograd's F(4x4, 3x3) where that pays, or libtorch's own; see also <see cref="MixedPrecision"/>.</summary>
internal static class Convolution3x3
{
    /// <summary>Convolves.</summary>
    /// <param name="maps">The maps <c>[N, inputs, H, W]</c>.</param>
    /// <param name="filters">The filters <c>[outputs, inputs, 3, 3]</c>.</param>
    /// <param name="biases">What is added to the outputs <c>[outputs]</c>; null: nothing.</param>
    /// <returns>The outputs <c>[N, outputs, H, W]</c>. Where gradients are kept, they are to be taken by <see cref="BackPropagate"/>.</returns>
    public static Tensor Run(Tensor maps, Tensor filters, Tensor? biases = null)
    {
        if (MixedPrecision.IsOn)
            return InBFloat16(maps, filters, biases);
        return Pays(maps, filters) ? ByWinograd(maps, filters, biases) : nn.functional.conv2d(maps, filters, biases, padding: [1, 1]);
    }

    /// <summary>Convolves by Winograd's algorithm, whether that pays or not.</summary>
    internal static Tensor ByWinograd(Tensor maps, Tensor filters, Tensor? biases = null)
    {
        // TorchSharp keeps the outputs' likenesses, which this drops at once.
        using var scope = NewDisposeScope();
        var outputs = is_grad_enabled() && (maps.requires_grad || filters.requires_grad || biases is { requires_grad: true })
            ? Differentiable.apply(maps, filters, biases!)
            : Convolve(maps, filters, biases);
        return outputs.MoveToOuterDisposeScope();
    }

    /// <summary>Takes the gradient at a tensor to all that it was made of, as <see cref="Tensor.backward(IList{Tensor}?, bool, bool, IList{Tensor}?)"/> does.</summary>
    /// <param name="value">The tensor.</param>
    /// <param name="gradient">The gradient at it; null: it is a scalar, and 1.</param>
    public static void BackPropagate(this Tensor value, Tensor? gradient = null)
    {
        Differentiable.Begin();
        value.backward(gradient is null ? null : [gradient]);
        Differentiable.End();
    }

    // Measured with the benchmarks "convolutions" and "training": the filters are transformed each time.
    private const int FewestPixels = 768, FewestMaps = 48, FewestPixelsOfFilterGradient = 2048;

    private static bool Pays(Tensor maps, Tensor filters)
        => maps.device_type == DeviceType.CPU && maps.dtype == ScalarType.Float32 && maps.shape[2] * maps.shape[3] >= FewestPixels && Math.Min(filters.shape[0], filters.shape[1]) >= FewestMaps;

    private static Tensor InBFloat16(Tensor maps, Tensor filters, Tensor? biases)
    {
        using var scope = NewDisposeScope();
        var sums = nn.functional.conv2d(maps.to(ScalarType.BFloat16).ChannelsLast(), filters.to(ScalarType.BFloat16), biases?.to(ScalarType.BFloat16), padding: [1, 1]);
        return sums.to(ScalarType.Float32).contiguous().MoveToOuterDisposeScope();
    }

    private static Tensor Convolve(Tensor maps, Tensor filters, Tensor? biases)
    {
        using var scope = NewDisposeScope();
        var arena = Arena.Current;
        var outputs = torch.empty([maps.shape[0], filters.shape[0], maps.shape[2], maps.shape[3]], ScalarType.Float32);
        using (var convolution = new WinogradConvolution(filters.contiguous(), arena))
            convolution.Convolve(new ActivatedMaps(maps.contiguous()), outputs);
        arena?.GiveBack();
        if (biases is not null)
        {
            using Scalar one = 1;
            outputs.add_(biases.view(1, -1, 1, 1), one);
        }

        return outputs.MoveToOuterDisposeScope();
    }

    private static Tensor FilterGradient(Tensor maps, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        if (maps.shape[2] * maps.shape[3] >= FewestPixelsOfFilterGradient)
        {
            var arena = Arena.Current;
            var filters = WinogradFilterGradient.Of(new ActivatedMaps(maps.contiguous()), gradient, arena: arena);
            arena?.GiveBack();
            return filters.MoveToOuterDisposeScope();
        }

        // Of few tiles, the sums for each place of the 6x6 would be most of the work: products with all shifted inputs, [N, outputs, pixels] x [N, pixels, inputs x 9].
        var shifted = nn.functional.unfold(maps, (3, 3), padding: (1, 1));
        return torch.bmm(gradient.flatten(2), shifted.transpose(1, 2)).sum([0]).reshape(gradient.shape[1], maps.shape[1], 3, 3).MoveToOuterDisposeScope();
    }

    /// <summary>The convolution in libtorch's graph.</summary>
    private sealed class Differentiable : autograd.SingleTensorFunction<Differentiable>
    {
        // A backward pass on the CPU stays on its thread.
        [ThreadStatic]
        private static ExceptionDispatchInfo? _failure;

        [ThreadStatic]
        private static List<Tensor>? _handedOver;

        public override string Name => nameof(Convolution3x3);

        public static void Begin() => (_failure, _handedOver) = (null, []);

        /// <exception cref="Exception">What was thrown where it would have had to cross native code.</exception>
        public static void End()
        {
            DisposeHandedOver();
            var failure = _failure;
            (_failure, _handedOver) = (null, null);
            failure?.Throw();
        }

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (maps, filters, biases) = ((Tensor)vars[0], (Tensor)vars[1], vars[2] as Tensor);
            ctx.save_for_backward([maps, filters]);
            // Zeros would be made like outputs that are no longer there.
            ctx.set_materialize_grads(false);
            ctx.save_data(nameof(biases), biases is { requires_grad: true });
            return Convolve(maps, filters, biases);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            if (_failure is not null || grad_output.IsInvalid)
                return [null!, null!, null!];
            // libtorch has its own hold on what was handed to it before; all would be in memory till the end otherwise.
            DisposeHandedOver();
            try
            {
                var gradients = Gradients(ctx, grad_output);
                _handedOver?.AddRange(gradients);
                return gradients;
            }
            catch (Exception failure) when (_handedOver is not null)
            {
                // It must not cross native code, and is thrown when the backward pass is over.
                _failure = ExceptionDispatchInfo.Capture(failure);
                return [null!, null!, null!];
            }
        }

        private static void DisposeHandedOver()
        {
            foreach (var tensor in _handedOver ?? [])
                tensor?.Dispose();
            _handedOver?.Clear();
        }

        private static List<Tensor> Gradients(autograd.AutogradContext ctx, Tensor atOutputs)
        {
            using var scope = NewDisposeScope();
            var saved = ctx.get_saved_variables();
            var (maps, filters, gradient) = (saved[0], saved[1], atOutputs.contiguous());
            atOutputs.Dispose();
            // The outputs' gradients go back through the filters, turned round.
            var toMaps = maps.requires_grad ? Convolve(gradient, filters.transpose(0, 1).flip(2, 3), null) : null;
            var toFilters = filters.requires_grad ? FilterGradient(maps, gradient) : null;
            var toBiases = ctx.get_data("biases") is true ? gradient.sum([0, 2, 3]) : null;
            return [toMaps?.MoveToOuterDisposeScope()!, toFilters?.MoveToOuterDisposeScope()!, toBiases?.MoveToOuterDisposeScope()!];
        }
    }
}
